"""A run as Python holds it: an iterator that trains, a name, and a way to close it."""

import atexit
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training, conclude, introduce, locate
from dcgan.errors import UserError
from dcgan.interfaces.console import Display, PlainDisplay, choose_display
from dcgan.interfaces.progress import Progress
from dcgan.reporting.tracking import Following, require_all
from dcgan.settings.config import Config
from dcgan.training.step import StepReport

Shown = Literal["auto"] | Display | None
"""``"auto"``: a live picture in a notebook, a bar on a terminal, nothing elsewhere. None: nothing."""


class Silence:
    """A listener that lets everything pass."""

    def say(self, text: str) -> None:
        """Nothing."""

    def prepare(self, done: int, total: int) -> None:
        """Nothing."""

    def picture(self, path: Path) -> None:
        """Nothing."""


class TrainingRun(Iterator[StepReport]):
    """A run that trains one step each time it is asked for the next report; closing it saves."""

    def __init__(self, training: Training, display: Display | None, track: Sequence[str] = ()) -> None:
        self._training = training
        self._steps = _steps(training, display, track)
        self.folder: Path = training.run.root
        """Where everything of the run is; ``dcgan.load`` takes it."""
        atexit.register(_close, weakref.ref(self._steps))  # a program that ends with an open run still saves it

    @property
    def config(self) -> Config:
        """Every setting, decided."""
        return self._training.config

    @property
    def images_seen(self) -> int:
        """Images seen so far, over all starts of the run."""
        return self._training.images_seen

    def close(self) -> None:
        """Save and stop; the same call goes on from there."""
        self._steps.close()
        self._training.__exit__(None, None, None)

    def __next__(self) -> StepReport:
        return next(self._steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        seen, total = self.images_seen, self._training.images_total
        return f"<dcgan.TrainingRun {self.folder}: {seen:,} of {total:,} images seen>"


_open_runs: weakref.WeakValueDictionary[Path, TrainingRun] = weakref.WeakValueDictionary()


def begin(options: TrainOptions, display: Shown) -> TrainingRun:
    """The run of these options; an earlier one of this process that has its folder open is closed first.

    Raises:
        UserError: Bad options, unusable data, or a run that another process trains.
    """
    folder = locate(options)[0].root.absolute()
    if (earlier := _open_runs.get(folder)) is not None:
        earlier.close()
    shown = display_of(display)
    require_all(options.track)
    run = TrainingRun(Training(options, shown or Silence()), shown, options.track)
    _open_runs[folder] = run
    return run


def _steps(training: Training, display: Display | None, track: Sequence[str]) -> Generator[StepReport]:
    with training, Following(track, training.run, (display or Silence()).say):
        if display is None:
            yield from training.steps()
            return
        with display, closing(training.steps()) as steps:
            for line in introduce(training):
                display.say(line)
            progress = Progress(display, training.images_seen)
            for report in steps:
                progress.step(report, training.images_total)
                yield report
            for line in conclude(training):
                display.say(line)


def _close(steps: weakref.ref[Generator[StepReport]]) -> None:
    if (still_open := steps()) is not None:
        still_open.close()


def display_of(wanted: Shown) -> Display | None:
    """The display that was asked for, None for silence."""
    if wanted == "auto":
        chosen = choose_display()
        return None if isinstance(chosen, PlainDisplay) else chosen
    if wanted is not None and not isinstance(wanted, Display):
        raise UserError(f'display = {wanted!r:.60}: must be "auto", or None for silence.')
    return wanted
