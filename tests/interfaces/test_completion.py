"""Completion is asked of the shells themselves; those that are not installed are skipped by name."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dcgan.commands.export import FORMATS as EXPORTS
from dcgan.commands.options import FORMATS
from dcgan.errors import UserError
from dcgan.interfaces.cli import commands
from dcgan.interfaces.completion import SHELLS, completion, places

BASH = """
. "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_dcgan
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = 'source "$argv[1]"; complete -C "$argv[2]"'
ZSH = """
compdef() { : }
compadd() {
    if [[ "$1" == -S ]] { shift 2 }
    if [[ "$1" == -a ]] { print -l -- ${(P)2}; } else { print -l -- "$@"; }
}
_files() { print FILES }
. "$1"; shift
words=("$@") CURRENT=$#
_dcgan
"""


def offered(shell: str, folder: Path, *words: str) -> set[str]:
    """What a shell offers for the last of these words."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = folder / "script"
    script.write_text(completion(shell))
    asked = {
        "bash": ["-c", BASH, "bash", str(script), *words],
        "zsh": ["-f", "-c", ZSH, "zsh", str(script), *words],
        "fish": ["--no-config", "-c", FISH, str(script), " ".join(words)],
    }[shell]
    ran = subprocess.run([program, *asked], capture_output=True, text=True, check=True, cwd=folder)
    assert not ran.stderr, ran.stderr
    found = {line.split("\t")[0] for line in ran.stdout.splitlines() if line}
    return {word for word in found if word.startswith(words[-1]) or word == "FILES"}


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_options_and_their_values_are_offered(shell: str, tmp_path: Path) -> None:
    assert offered(shell, tmp_path, "dcgan", "tra") >= {"train"}
    assert offered(shell, tmp_path, "dcgan", "train", "--dry") == {"--dry-run"}
    assert offered(shell, tmp_path, "dcgan", "train", "--fit", "") >= {"crop", "pad", "stretch"}
    assert offered(shell, tmp_path, "dcgan", "export", "run", "--to", "p") == {"page", "pytorch"}
    assert "training.batch_size=" in offered(shell, tmp_path, "dcgan", "train", "--set", "training.b")
    assert offered(shell, tmp_path, "dcgan", "explore", "wa") - {"FILES"} == {"walk"}
    assert offered(shell, tmp_path, "dcgan", "explore", "walk", "run", "--loo") == {"--loop"}
    assert offered(shell, tmp_path, "dcgan", "train", "critt") - {"FILES"} == {"critters"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_files_are_offered_where_a_value_is_not_known(shell: str, tmp_path: Path) -> None:
    (tmp_path / "photographs").mkdir()
    assert {"photographs/", "FILES"} & offered(shell, tmp_path, "dcgan", "train", "--out", "photo")


def test_bash_falls_back_on_files_where_nothing_is_offered(tmp_path: Path) -> None:
    assert offered("bash", tmp_path, "dcgan", "train", "--out", "photo") == set()
    assert "complete -o default -F" in completion("bash")


def test_every_command_and_every_format_can_be_completed() -> None:
    assert {place.command.split()[0] for place in places() if place.command} == set(commands())
    assert set(FORMATS) == set(EXPORTS)


def test_another_shell_is_refused_by_its_name() -> None:
    with pytest.raises(UserError, match="--completion tcsh: must be one of bash, zsh, fish"):
        completion("tcsh")


def test_a_shell_that_starts_does_not_wait_for_torch() -> None:
    program = """if True:
        import sys
        from dcgan.interfaces.cli import main
        assert main(["--completion", "bash"]) == 0 and "torch" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
