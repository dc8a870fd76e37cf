"""What tests rely on when the machine is busy, or when one of them fails."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from patience import ending_processes, patient, stretch, wait_until

SLEEPER = "import time; print('up', flush=True); time.sleep(3600)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"


def is_running(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_process_that_a_failed_test_left_is_ended_and_so_are_its_children() -> None:
    with pytest.raises(KeyError), ending_processes() as started:
        parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
        assert parent.stdout is not None and parent.stdout.readline() == "up\n"
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        raise KeyError
    assert started == [parent] and parent.returncode == -signal.SIGKILL
    (child,) = map(int, children)
    wait_until(lambda: not is_running(child))


def test_waiting_ends_with_the_process_that_was_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(AssertionError, match="ended with 3"):
        wait_until(lambda: False, process)


def test_a_limit_is_never_shorter_than_on_an_idle_machine() -> None:
    assert stretch() >= 1
    assert patient(10) >= 60
