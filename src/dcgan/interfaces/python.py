"""The commands as Python has them: no signal handlers, no change to the process, no output outside of a notebook."""

import atexit
import weakref
from collections.abc import Generator, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.files import user_path
from dcgan.interfaces.console import Display
from dcgan.interfaces.notebook import NotebookDisplay, running_notebook
from dcgan.interfaces.progress import Progress
from dcgan.runs.generator import TrainedGenerator, Which, load_generator
from dcgan.training.step import StepReport


class Silence:
    """A listener that lets everything pass."""

    def say(self, text: str) -> None:
        """Nothing."""

    def prepare(self, done: int, total: int) -> None:
        """Nothing."""

    def picture(self, path: Path) -> None:
        """Nothing."""


def train(
    source: str | Path | None = None,
    *,
    size: int | str | None = None,
    settings: Mapping[str, Any] | None = None,
    **options: Any,
) -> Iterator[StepReport]:
    """Train on the images of ``source``, one ``StepReport`` a step; closing the iterator saves.

    In a notebook a figure shows losses, images, speed and time left while the steps are taken.

    ``options`` are those of ``dcgan train``: recipe, budget, seed, out, labels, channels, fit, device, threads, …;
    ``settings`` turns any other knob: ``{"training.batch_size": 64}``. As there, a run that is in ``out`` goes on.

    Raises:
        UserError: At the call, for bad options and unusable data; while training, for a full disk or divergence.
    """
    turned = tuple(f"{key}={value}" for key, value in (settings or {}).items())
    texts = {
        "source": None if source is None else str(source),
        "size": None if size is None else str(size),
        "out": None if options.get("out") is None else str(options["out"]),
    }
    notebook = running_notebook()
    display = NotebookDisplay(notebook) if notebook else None
    steps = _steps(Training(TrainOptions(**options | texts, settings=turned), display or Silence()), display)
    atexit.register(_close, weakref.ref(steps))  # a program that ends with an open run still saves it
    return steps


def load(run: str | Path, checkpoint: Which | None = None) -> TrainedGenerator:
    """The generator of a run folder (``best``, ``last``; None: the best one if one was kept), or of a checkpoint file.

    An exported folder will do too, and ``hub:user/name`` (or ``hub:user/name@revision``), which is fetched.

    Raises:
        UserError: There is none, or it is damaged.
    """
    return load_generator(user_path(run), checkpoint)


def _close(steps: weakref.ref[Generator[StepReport]]) -> None:
    if (still_open := steps()) is not None:
        still_open.close()


def _steps(training: Training, display: Display | None) -> Generator[StepReport]:
    """The steps, each of which the display sees too if there is one."""
    with display or nullcontext(), training:
        if display is None:
            yield from training.steps()
            return
        progress = Progress(display, training.images_seen, training.images_total)
        for report in training.steps():
            progress.step(report)
            yield report
