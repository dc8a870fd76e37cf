"""Limits for waiting that hold on a busy machine: they end a test that hangs, and never judge how fast code is."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

WORK = 0.02  # seconds of processor time by which the machine is measured


def stretch() -> float:
    """How many seconds pass now for one second of work: 1 on an idle machine, more beside other processes."""
    started, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < WORK:
        pass
    return max(1.0, (time.monotonic() - started) / WORK)


def patient(seconds: float) -> float:
    """A limit for what takes at most so many seconds on an idle machine."""
    return 6 * seconds * stretch()


def wait_until(there: Callable[[], object], process: subprocess.Popen | None = None, *, seconds: float = 60) -> None:
    """Return when ``there()`` is true; fail when the process ends before it is, or after a patient wait."""
    limit = time.monotonic() + patient(seconds)
    while not there():
        if process is not None and process.poll() is not None and not there():
            raise AssertionError(f"ended with {process.returncode}: {process.stderr and process.stderr.read()}")
        if time.monotonic() > limit:
            raise AssertionError(f"waited in vain; on an idle machine {seconds} s are enough")
        time.sleep(0.02)


@contextmanager
def ending_processes() -> Iterator[list[subprocess.Popen]]:
    """Kill every process that is started inside and still runs at the end, and all that it has started itself."""
    started: list[subprocess.Popen] = []

    def noted(process: subprocess.Popen, *args: Any, **options: Any) -> None:
        start(process, *args, **options)
        started.append(process)

    start = subprocess.Popen.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "__init__", noted)
        try:
            yield started
        finally:
            for process in started:
                if process.poll() is None:
                    for number in [*descendants(process.pid), process.pid]:
                        with suppress(ProcessLookupError):
                            os.kill(number, 9)
                    process.wait()
                    for stream in (process.stdin, process.stdout, process.stderr):
                        with suppress(OSError):
                            if stream is not None:
                                stream.close()


def descendants(number: int) -> list[int]:
    """The processes that this one has started, and those that they have; none where there is no /proc."""
    with suppress(OSError):
        children = [
            int(child)
            for tasks in Path(f"/proc/{number}/task").glob("*/children")
            for child in tasks.read_text().split()
        ]
        return [*children, *(later for child in children for later in descendants(child))]
    return []
