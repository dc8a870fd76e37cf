"""Several processes behind one address: each draws for itself, and one that dies is replaced.

The processes are forked before torch is imported, so that each starts threads of its own. All of them accept from one
socket, which stays open while one is replaced: whoever connects then waits for another.
"""

import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from dcgan.errors import UserError

READY = b"ready"
SECONDS_BEFORE_ANOTHER = 1.0
STOPPING_SECONDS = 35.0  # a little more than a worker takes to answer what it has
Work = Callable[[Callable[[], object]], None]


class Workers:
    """Processes that all do the same work, until a signal asks to stop."""

    def __init__(self, count: int, work: Work) -> None:
        """``work`` calls what it is given when it can answer, and returns after SIGTERM."""
        assert "torch" not in sys.modules, "torch must not be imported before a fork"
        self.count, self.work = count, work
        self._pipes: dict[int, int] = {}
        self._ready: set[int] = set()
        self._stopping = False

    def run(self, say: Callable[[str], object]) -> None:
        """Start them, tell when all can answer, replace those that die, and end them after a signal.

        Raises:
            UserError: One cannot start; the others are ended.
        """
        self._before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        told = False
        try:
            for _ in range(self.count):
                self._start()
            while not self._stopping:
                self._listen()
                if not told and len(self._ready) == self.count:
                    told = True
                    say(f"{self.count} processes are ready.")
                for process, status in self._ended():
                    if not told:
                        raise UserError(f"dcgan serve: a process ended before it could answer ({_way(status)}).")
                    say(f"Process {process} ended ({_way(status)}); another takes its place.")
                    time.sleep(SECONDS_BEFORE_ANOTHER)
                    if not self._stopping:
                        self._start()
        finally:
            self._end()
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        if callable(handler := self._before[signal.Signals(number)]):
            handler(number, frame)  # the exit code follows from it, and a second one ends at once

    def _start(self) -> None:
        reading, writing = os.pipe()
        process = os.fork()
        if process:
            os.close(writing)
            self._pipes[process] = reading
            return
        code = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all: the parent passes it on
            self.work(lambda: os.write(writing, READY))
            code = 0
        except UserError as error:
            os.write(writing, str(error).encode()[:4000])
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def _listen(self) -> None:
        """Wait a moment for words of those that start.

        Raises:
            UserError: One of them cannot.
        """
        with selectors.DefaultSelector() as selector:
            for process, pipe in self._pipes.items():
                if process not in self._ready:
                    selector.register(pipe, selectors.EVENT_READ, process)
            if not selector.get_map():
                time.sleep(0.1)
                return
            for key, _ in selector.select(0.1):
                words = os.read(key.fd, 5000)
                if words and words != READY:
                    raise UserError(words.decode())
                self._ready.add(key.data)

    def _ended(self) -> list[tuple[int, int]]:
        """Those that have ended since, and how."""
        found = []
        for process in list(self._pipes):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                os.close(self._pipes.pop(process))
                mark_process_dead(process)  # type: ignore[no-untyped-call]  # its waiting images do not count any more
                self._ready.discard(process)
                found.append((process, status))
        return found

    def _end(self) -> None:
        """SIGTERM, and SIGKILL for those that do not end."""
        for process in self._pipes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        limit = time.monotonic() + STOPPING_SECONDS
        while self._pipes and time.monotonic() < limit:
            self._ended()
            time.sleep(0.02)
        for process in self._pipes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while self._pipes:
            self._ended()
            time.sleep(0.02)


def _way(status: int) -> str:
    """How a process ended, in words."""
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.WEXITSTATUS(status)}"
