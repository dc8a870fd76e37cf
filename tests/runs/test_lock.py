"""The lock by itself: one holder at a time, named to whoever comes second, and free when its process is gone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dcgan.errors import ExitCode, UserError
from dcgan.runs.lock import held

HOLDER = """
import sys
from pathlib import Path
from dcgan.runs.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_was_left_is_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path / "lock"):
            assert json.loads((tmp_path / "lock").read_bytes()).keys() == {"pid", "host", "since"}


def test_a_second_holder_in_this_process_is_told_that_it_is_this_one(tmp_path: Path) -> None:
    second = held(tmp_path / "lock")
    with held(tmp_path / "lock"), pytest.raises(UserError, match="in use by this very process") as error:
        second.__enter__()
    assert error.value.exit_code == ExitCode.BUSY


def test_another_process_is_named_and_its_death_frees_the_lock(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        second = held(tmp_path / "lock")
        with pytest.raises(UserError, match=rf"in use by process {process.pid} on .* since 20"):
            second.__enter__()
        process.kill()
        process.wait()
        with held(tmp_path / "lock"):
            pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_lock_file_of_any_content_can_be_held(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(content)
    with held(tmp_path / "lock"):
        pass
