"""Every command of README.md runs, in order, in one folder; only the time budgets are cut to 64 images."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data.sources.critters import draw

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
SET_UP = ("make ", "python3 -m venv", ". .venv", "pip install", "git clone", "cd ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's reader has: a folder of pictures, in classes."""
    folder = tmp_path_factory.mktemp("reader")
    for index in range(24):
        path = folder / "photos" / f"kind {index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(index, 64, 64)).save(path)
    np.save(folder / "unused.npy", np.zeros(1))
    return folder


def cut(text: str) -> str:
    return re.sub(r"--budget \S+", "--budget 64", re.sub(r'budget="[^"]*"', 'budget="64"', text))


def test_the_readme_has_commands_to_run() -> None:
    assert sum(kind == "sh" for kind, _ in BLOCKS) >= 3
    assert any("make demo" in text for _, text in BLOCKS)
    assert any("make check" in text for _, text in BLOCKS)


def test_the_readmes_commands_run(folder: Path) -> None:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    for kind, text in BLOCKS:
        if kind == "python":
            commands = [[sys.executable, "-c", cut(text)]]
        else:
            lines = [line.partition("  #")[0].strip() for line in text.splitlines()]
            wanted = [line for line in lines if line and not line.startswith(SET_UP)]
            commands = [["bash", "-c", cut(line)] for line in wanted]
        for command in commands:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (command[-1], done.stdout[-1000:], done.stderr[-1000:])
