"""Keeps a run to the time it was given: its number of images is corrected by its own speed, four times.

Before step 0 that number follows from a second of measuring, and whatever else the machine did in that second decides
it. What a correction says goes into the config and into a checkpoint before it is obeyed: a run that is continued goes
the same way, and so does another run from the same config.
"""

import math
from dataclasses import replace
from typing import NamedTuple

from dcgan.notation import parse_budget
from dcgan.settings.knobs import TrainingConfig

SHARES = (1 / 20, 1 / 5, 1 / 2, 4 / 5)
"""Of the budget, in images or in time, whichever comes first: where it is corrected."""
LEAST = 1 / 20
"""Of the budget: as much has to lie behind a correction, so that there is a speed to plan by."""

NOTICEABLE = 0.05
"""A correction that moves the end by less is not worth a line on the screen."""


class _Mark(NamedTuple):
    images: int
    seconds: float


class Pace:
    """The speed of this sitting since its first step, or since the last correction."""

    def __init__(self) -> None:
        self._mark: _Mark | None = None

    def corrected(self, training: TrainingConfig, images_seen: int, seconds: float) -> TrainingConfig | None:
        """What the run shall do from here on, ``seconds`` of training after its beginning; None: what it does now."""
        budget, done = parse_budget(training.budget), len(training.planned_at)
        if not training.replan or budget.unit != "seconds" or done >= len(SHARES):
            return None
        now, mark, total = _Mark(images_seen, seconds), self._mark, training.images or 0
        if images_seen >= total:
            return None
        if mark is None or images_seen <= mark.images:  # the first step takes longest; a roll-back begins anew
            self._mark = now
            return None
        share = max(images_seen / total, seconds / budget.amount)
        since = max((now.images - mark.images) / total, (now.seconds - mark.seconds) / budget.amount)
        if share < SHARES[done] or since < LEAST:
            return None
        self._mark = now
        speed = (now.images - mark.images) / max(now.seconds - mark.seconds, 1e-9)
        return replace(
            training,
            images=images_seen + max(1, images_in(budget.amount - seconds, speed)),
            planned_at=(*training.planned_at, images_seen),
            planned_images=(*training.planned_images, total),
        )


def images_in(seconds: float, speed: float) -> int:
    """Images that so much time is enough for; none when it is over."""
    return math.ceil(max(0.0, seconds) * speed)


def told(before: TrainingConfig, after: TrainingConfig) -> str | None:
    """A correction in one line; None for a small one."""
    former, images = before.images or 0, after.images or 0
    if abs(images - former) < NOTICEABLE * former:
        return None
    return f"By its speed so far, this run will see {images:,} images in {after.budget}, not {former:,}."
