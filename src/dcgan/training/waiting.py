"""How the threads of a step wait for each other: by spinning on an idle machine, asleep on a busy one.

PyTorch's threads (libgomp) spin for some milliseconds before they sleep. On an idle machine that is the fastest; where
other programs want the processors, a spinning thread takes the very time that the one it waits for would need, and
training falls to a twentieth. libgomp spins a thousandth as long while it manages more threads than there are
processors (its ``gomp_throttled_spin_count_var``), so a sleeping team beside the one that works is the switch: it can
be turned at any time, and which thread adds up what does not change, so neither do the results.

Whether others want the processors is read where the kernel says it: in the time that the threads of this process were
ready to run and did not (``/proc/self/task/*/schedstat``).
"""

import ctypes
import os
import threading
import time
from pathlib import Path
from typing import Self

import torch

from dcgan.limits import affinity

TASKS = Path("/proc/self/task")
LOOK_SECONDS = 2.0
BUSY, IDLE = 0.1, 0.03  # shares of its time that a thread was kept waiting for a processor
DECIDED_BY_USER = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


class SleepingTeam:
    """More threads than there are processors, asleep: as long as they are there, those that work spin but briefly."""

    def __init__(self, libgomp: ctypes.CDLL) -> None:
        self._library, self._asleep, self._end = libgomp, threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._sleep, name="dcgan-waiting", daemon=True)
        self._thread.start()
        self._asleep.wait()

    def dismiss(self) -> None:
        """End them."""
        self._end.set()
        self._thread.join()

    def _sleep(self) -> None:
        nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)  # free(NULL) does nothing, in any thread
        self._library.GOMP_parallel(nothing, None, affinity() + 1, 0)
        self._asleep.set()
        self._end.wait()


class Waiting:
    """Looks now and then whether the machine is busy, and lets the threads wait accordingly. A context manager."""

    def __init__(self, threads: int) -> None:
        """``threads`` of a step; with a single one, or where the system does not say, there is nothing to do."""
        decided = any(name in os.environ for name in DECIDED_BY_USER)
        self._library = None if threads < 2 or decided else _libgomp()
        self._team: SleepingTeam | None = None
        self._seconds, self._delays = time.monotonic(), _delays()

    def __enter__(self) -> Self:
        """Begin as the life of this process so far suggests."""
        ran, delayed = _life()
        self.decide(delayed / (ran + delayed))
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def is_patient(self) -> bool:
        """Whether threads go to sleep at once."""
        return self._team is not None

    def look(self) -> bool:
        """Look again, if it is time for it; whether threads have begun to sleep just now."""
        seconds = time.monotonic() - self._seconds
        if self._library is None or seconds < LOOK_SECONDS:
            return False
        delays = _delays()
        share = max((delays[task] - before for task, before in self._delays.items() if task in delays), default=0.0)
        self._seconds, self._delays = time.monotonic(), delays
        return self.decide(share / seconds)

    def decide(self, share: float) -> bool:
        """``share``: of its time that the thread worst off was kept waiting. Whether threads begin to sleep now."""
        if self._team is None and self._library is not None and share > BUSY:
            self._team = SleepingTeam(self._library)
            return True
        if self._team is not None and share < IDLE:
            self.close()
        return False

    def close(self) -> None:
        """Wait as the library does by itself."""
        if self._team is not None:
            self._team.dismiss()
            self._team = None


def _life() -> tuple[float, float]:
    """Seconds that this thread has run, and that it was ready to run and did not."""
    try:
        ran, delayed, _ = (TASKS / str(threading.get_native_id()) / "schedstat").read_text().split()
    except (OSError, ValueError):
        return 1.0, 0.0
    return max(1e-9, int(ran) / 1e9), int(delayed) / 1e9


def _delays() -> dict[str, float]:
    """Seconds that each thread was ready to run and did not; empty where the system does not say."""
    delays = {}
    try:
        for task in TASKS.iterdir():
            delays[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):  # a thread that has just ended, or another system
        return delays
    return delays


def _libgomp() -> ctypes.CDLL | None:
    """The library of PyTorch's threads, None where it is another one."""
    for path in (Path(torch.__file__).parent / "lib").glob("libgomp*.so*"):
        library = ctypes.CDLL(str(path))
        if hasattr(library, "GOMP_parallel"):
            library.GOMP_parallel.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
            library.GOMP_parallel.restype = None
            return library
    return None
