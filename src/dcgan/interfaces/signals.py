"""Ctrl-C and SIGTERM ask a run to stop after its step; a second one stops it at once."""

import signal
from types import FrameType, TracebackType
from typing import Self

from dcgan.errors import ExitCode

_EXIT_CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


class Stop:
    """Listens while it is entered. Only the command line uses it: signals belong to the whole process."""

    def __init__(self) -> None:
        self.asked: ExitCode | None = None
        """The exit code that was asked for, once it was."""

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._ask) for number in _EXIT_CODES}
        # A closed terminal does not end a run: what it would have said is in the journal and the report.
        self._before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # Once asked, the process is about to end, and an interpreter interrupted in its exit prints a traceback.
            over = self.asked is not None and number in _EXIT_CODES
            signal.signal(number, signal.SIG_IGN if over else handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked is not None:
            raise KeyboardInterrupt
        self.asked = _EXIT_CODES[signal.Signals(number)]
