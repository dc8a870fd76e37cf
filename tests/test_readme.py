"""Every command of README.md runs, block by block; budgets are cut to 64 images, sizes to 32x32."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dcgan.data.sources.critters import draw

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
SET_UP = ("make ", "python3 -m venv", ". .venv", "pip install", "git clone", "cd ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the README's reader has: a folder of pictures, in classes."""
    for index in range(24):
        path = tmp_path / "photos" / f"kind {index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(index, 64, 64)).save(path)
    return tmp_path


def cut(text: str) -> str:
    """The same command, small: drawing 8,000 creatures alone would take minutes."""
    text = re.sub(r"--budget \S+", "--budget 64", re.sub(r'budget="[^"]*"', 'budget="64"', text))
    text = re.sub(r"--size \d+", "--size 32", text)
    return re.sub(r"train critters( --size \S+)?", "train critters --size 16 --limit 200", text)


def commands_of(kind: str, text: str) -> list[list[str]]:
    if kind == "python":
        return [[sys.executable, "-c", cut(text)]]
    lines = [line.partition("  #")[0].strip() for line in text.splitlines()]
    return [["bash", "-c", cut(line)] for line in lines if line and not line.startswith(SET_UP)]


RUN = [commands for commands in (commands_of(kind, text) for kind, text in BLOCKS) if commands]


def test_the_readme_shows_a_demo_the_checks_commands_and_python() -> None:
    assert len(RUN) >= 3
    assert any("make demo" in text for _, text in BLOCKS)
    assert any("make check" in text for _, text in BLOCKS)
    assert any(kind == "python" for kind, _ in BLOCKS)


@pytest.mark.parametrize("commands", RUN, ids=lambda commands: re.sub(r"\W+", "-", commands[0][-1])[:40].strip("-"))
def test_every_command_of_a_block_of_the_readme_runs(commands: list[list[str]], folder: Path, program: Path) -> None:
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    for command in commands:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command[-1], done.stdout[-1000:], done.stderr[-1000:])
