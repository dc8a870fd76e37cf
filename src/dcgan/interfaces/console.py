"""What a training run says while it works: a bar on a terminal, plain lines elsewhere. A notebook has its own display.

Whatever happens to the stream, the run goes on: a display whose reader is gone falls silent.
"""

import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from dcgan.wording import duration, number, plain, short_count

Clock = Callable[[], float]


class Display(ABC):
    """Told of everything worth seeing; use it as a context manager."""

    def say(self, text: str) -> None:
        """Show a message of one line or more, its control characters made visible."""
        for line in text.splitlines():
            self._line(plain(line))

    _clock: Clock = staticmethod(time.monotonic)
    _first_prepared: tuple[float, int] | None = None
    """When the first images were prepared, and how many."""

    def prepare(self, done: int, total: int) -> None:
        """So many of the images are decoded; from one second on, how long the others will take."""
        now = self._clock()
        if self._first_prepared is None or done < self._first_prepared[1]:
            self._first_prepared = now, done
        began, first = self._first_prepared
        words = f"{done:,} of {total:,} images prepared"
        if now > began + 1 and done < total:
            words += f", {time_left(done, total, (done - first) / (now - began))} left"
        self._progress("preparing", done, total, words, words)

    def measure(self, done: int, total: int) -> None:
        """The detectors have seen so many of the images."""
        words = f"{done:,} of {total:,} images measured"
        self._progress("measuring", done, total, words, words)

    def step(
        self,
        images_seen: int,
        images_total: int,
        images_per_second: float,
        discriminator_loss: float,
        generator_loss: float,
    ) -> None:
        """Training has come so far. Call it a few times a second at most."""
        seen, speed = f"{images_seen:,} of {images_total:,} images", f"{number(images_per_second)} images/s"
        left = f"{time_left(images_seen, images_total, images_per_second)} left"
        losses = f"loss_D {discriminator_loss:.3f}, loss_G {generator_loss:.3f}"
        brief = (
            f"{short_count(images_seen)} of {short_count(images_total)}  {number(images_per_second)}/s  {left}  "
            f"D {discriminator_loss:.2f}  G {generator_loss:.2f}"
        )
        self._progress("training", images_seen, images_total, f"{seen}, {speed}, {left}, {losses}", brief)

    def picture(self, path: Path) -> None:  # noqa: B027 - a display without pictures has nothing to do
        """There is a new grid. Only a notebook shows it."""

    @abstractmethod
    def close(self) -> None:
        """Show the last state and leave the stream tidy. May be called twice."""

    @abstractmethod
    def _line(self, line: str) -> None:
        """Show one line for good."""

    @abstractmethod
    def _progress(self, what: str, done: int, total: int, words: str, brief: str) -> None:
        """Show a state, which the next one may replace; ``brief`` leaves room for a bar in 80 columns."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def choose_display(stream: TextIO | None = None) -> Display:
    """The display that fits: a notebook's when one runs us, a bar on a terminal, else plain lines. None: stderr."""
    if stream is None:
        from dcgan.interfaces.notebook import NotebookDisplay, running_notebook

        if notebook := running_notebook():
            return NotebookDisplay(notebook)
    careful = CarefulStream(stream or sys.stderr)
    calm = os.environ.get("NO_COLOR") or os.environ.get("CI") or os.environ.get("TERM") in ("dumb", "unknown")
    return TerminalDisplay(careful) if careful.isatty() and not calm else PlainDisplay(careful)


def time_left(images_seen: int, images_total: int, images_per_second: float) -> str:
    """``12 min 30 s`` at this speed; a dash while it is unknown."""
    left = max(0, images_total - images_seen)
    return duration(left / images_per_second) if images_per_second > 0 else "–"


class CarefulStream:
    """A text stream that falls silent when its reader is gone, and writes what its encoding lacks as escapes."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.encoding = getattr(stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Write as well as the stream can."""
        self._try(lambda stream: stream.write(text.encode(self.encoding, "backslashreplace").decode(self.encoding)))
        return len(text)

    def flush(self) -> None:
        """Hand everything on."""
        self._try(lambda stream: stream.flush())

    def isatty(self) -> bool:
        """Whether a person watches."""
        return bool(self._try(lambda stream: stream.isatty()))

    def _try(self, work: Callable[[TextIO], object]) -> object:
        if self._stream is None:
            return None
        try:
            return work(self._stream)
        except (OSError, ValueError):
            self._stream = None
            return None


class PlainDisplay(Display):
    """Lines for files and pipes: at the start, at the end, and between them every twentieth of the way.

    Never two within 3 seconds, and never none for 30.
    """

    def __init__(self, stream: CarefulStream, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._what = ""
        self._time = 0.0
        self._share = 0.0
        self._held = ""

    def say(self, text: str) -> None:
        """Show a message, after the progress that came before it."""
        self.close()
        super().say(text)

    def close(self) -> None:
        """Write the last state if it was held back."""
        if self._held:
            self._line(self._held)
            self._held = ""

    def _line(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def _progress(self, what: str, done: int, total: int, words: str, brief: str) -> None:
        now, share = self._clock(), done / total if total else 1.0
        patience = 3 if share >= self._share + 0.05 else 30
        if what == self._what and now < self._time + patience:
            self._held = words
            return
        if what != self._what:
            self.close()
        self._line(words)
        self._what, self._time, self._share, self._held = what, now, share, ""


class TerminalDisplay(Display):
    """One bar that is drawn again in place, messages above it."""

    def __init__(self, stream: CarefulStream) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            BarColumn(bar_width=None, complete_style="cyan", finished_style="green"),
            TextColumn("{task.description}", markup=False),
            console=Console(file=stream, force_terminal=True),  # type: ignore[arg-type]  # it only writes and flushes
            auto_refresh=False,  # the steps are often enough, and a thread would fail where nobody sees it
            redirect_stdout=False,  # what is meant for a pipe stays out of the terminal
            expand=True,
        )
        self._task: Any = None
        self._what = ""

    def close(self) -> None:
        """Leave the last state of the bar standing."""
        self._bar.stop()

    def _line(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _progress(self, what: str, done: int, total: int, words: str, brief: str) -> None:
        if what != self._what:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._task, self._what = self._bar.add_task(brief), what
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total, description=brief)
        self._bar.refresh()
