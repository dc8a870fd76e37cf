"""What is due after a step: decided once, from the images seen and a clock that only goes forward.

What reaches the weights (a measurement that the guard hears, an anchor) depends on images alone.
"""

from dataclasses import dataclass

from dcgan.commands.live.clock import Timer, crossed, lines_every
from dcgan.commands.live.pace import Pace
from dcgan.commands.live.pictures import preview_is_due
from dcgan.runs.shelf import Role
from dcgan.settings.config import Config
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.schedules import total_at

FIRST_SAVE_SECONDS = 5.0  # after which a run has its first checkpoint, so that stopping it soon loses little
REPORT_SECONDS = 30.0  # at least so long between two refreshes of the report,
REPORT_SHARE = 0.01  # which may take this share of the time


@dataclass(frozen=True, kw_only=True)
class Due:
    """What falls due between two numbers of images seen."""

    journal: bool
    """A line of the journal: the means since the last one."""
    preview: bool
    """A grid of the fixed latents."""
    epoch: bool
    """The end of an epoch."""
    look: bool
    """A measurement of the images."""
    save: bool
    """A checkpoint."""
    role: Role
    """What the checkpoint of this step is for."""
    report: bool
    """The report, written anew."""
    end: TrainingConfig | None
    """Another end of the run, by its own speed."""


class Cadence:
    """What a run does how often, and when it last saved and reported."""

    def __init__(self, config: Config, *, epoch_size: int, images_seen: int) -> None:
        self._runs, self._epoch_size = config.runs, epoch_size
        self.saved, self.reported = Timer(images_seen), Timer(images_seen)
        self._pace = Pace()
        self.report_seconds = 0.0
        """How long the report took when it was last written."""

    def after(
        self, training: TrainingConfig, before: int, seen: int, *, look: bool, has_saved: bool, seconds: float
    ) -> Due:
        """What a step from ``before`` to ``seen`` images makes due.

        ``has_saved``: whether the run has a checkpoint; the first one comes soon. ``seconds`` of training so far.
        """
        runs = self._runs
        anchor = crossed(before, seen, training.anchor_every_images or seen)
        by_images = runs.save_every_images is not None and crossed(before, seen, runs.save_every_images)
        patience = runs.save_every_seconds if has_saved else min(FIRST_SAVE_SECONDS, runs.save_every_seconds)
        return Due(
            journal=crossed(before, seen, lines_every(runs.journal_every_images, total_at(training, before))),
            preview=preview_is_due(before, seen),
            epoch=crossed(before, seen, self._epoch_size),
            look=look,
            save=anchor or by_images or self.saved.elapsed >= patience,
            role="anchor" if anchor else "",
            report=self.reported.elapsed >= max(REPORT_SECONDS, self.report_seconds / REPORT_SHARE),
            end=None if look else self._pace.corrected(training, seen, seconds),
        )
