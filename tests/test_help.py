"""The committed help texts are what the program says, they fit a small terminal, and they come without torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "docs" / "help"
COMMANDS = {
    "dcgan": [],
    "train": ["train"],
    "sample": ["sample"],
    "data": ["data"],
    "compare": ["compare"],
    "evaluate": ["evaluate"],
    "exercise": ["exercise"],
    "export": ["export"],
    "import": ["import"],
    "play": ["play"],
    "push": ["push"],
    "serve": ["serve"],
    "track": ["track"],
    "import-newmu": ["import", "newmu"],
    "explore": ["explore"],
    "explore-walk": ["explore", "walk"],
    "explore-arithmetic": ["explore", "arithmetic"],
    "explore-directions": ["explore", "directions"],
    "explore-find": ["explore", "find"],
    "explore-neighbours": ["explore", "neighbours"],
    "explore-failures": ["explore", "failures"],
    "explore-units": ["explore", "units"],
    "explore-forget": ["explore", "forget"],
    "explore-probe": ["explore", "probe"],
}
PROGRAM = """
import sys
from dcgan.interfaces.cli import main
try:
    main([*sys.argv[1:], "--help"])
finally:
    assert "torch" not in sys.modules, "help imports torch"
"""


def printed(words: list[str]) -> str:
    """What ``dcgan … --help`` prints on a terminal of 80 columns; fails if that imports torch."""
    environment = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    environment |= {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], check=False, capture_output=True, encoding="utf-8", env=environment
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_committed_help_is_what_the_program_says_and_needs_no_torch(name: str) -> None:
    words = COMMANDS[name]
    command = " ".join(["dcgan", *words, "--help"])
    path = FOLDER / f"{name}.txt"
    assert path.read_text(encoding="utf-8") == printed(words), (
        f"{path.name} is out of date. If the new text is meant:\n"
        f"    COLUMNS=80 NO_COLOR=1 .venv/bin/{command} > docs/help/{name}.txt"
    )


def test_the_first_page_of_help_has_at_most_24_lines() -> None:
    assert len(printed([]).splitlines()) <= 24


@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_of_help_is_wider_than_80_columns(name: str) -> None:
    assert [line for line in printed(COMMANDS[name]).splitlines() if len(line) > 80] == []
