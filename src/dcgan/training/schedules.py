"""What changes from step to step by plan: functions of how far a run has come, with nothing to save.

A schedule that falls towards the end of a run depends on where that end is: a run whose budget is raised later goes
on by the new plan, which is not the one that it has followed so far.
A run that corrects its own end (``training.planned_at``) goes on from the share of the run that it had reached: its
schedules bend there and do not jump, so no learning rate rises because the run became longer.
"""

import math
from typing import NamedTuple

from torch import Tensor

from dcgan.settings.knobs import TrainingConfig
from dcgan.training.average import decay, power_decay

GENTLER = 0.5  # times the learning rates, with each attempt of a guarded run
PENALTY_FALLS_UNTIL = 0.8  # of the run; Huang et al. 2024 (arXiv 2501.05441) let it fall over the first part too


class Rates(NamedTuple):
    """The numbers of one step: on the host, or as scalars on the device that a captured step reads anew."""

    kept: float | Tensor = 0.0
    """Weight that the old average keeps."""
    penalty: float | Tensor | None = 1.0
    """Factor of the penalties' gammas. None: nobody pays in this step."""
    augmentation: float | Tensor | None = None
    """Probability of each augmentation. None: there is none, or its controller knows."""


PLAIN = Rates()


def rates_at(training: TrainingConfig, images_seen: int, count: int) -> Rates:
    """Those of the step that takes ``count`` images after ``images_seen``."""
    return Rates(
        _kept(training, images_seen + count, count), _penalty(training, images_seen), _strength(training, images_seen)
    )


def learning_rate_factor(training: TrainingConfig, images_seen: int, attempt: int = 0) -> float:
    """What both learning rates are multiplied with: up from 0 while warming up, down towards the end.

    With a guard, a later attempt is gentler.
    """
    rising = min(1.0, (images_seen + training.batch_size) / max(1, training.learning_rate_warmup))
    gentleness = GENTLER**attempt if training.guard else 1.0
    return gentleness * rising * _learning_rate_fall(training, images_seen)


def follows_end(training: TrainingConfig, images_seen: int) -> bool:
    """Whether the steps so far depend on where the run ends: something has begun to fall or rise towards it."""
    penalty = _penalty_fall(training, images_seen) if training.penalised else 1.0
    rises = training.augmentation and training.augmentation_schedule == "cosine" and images_seen > 0
    return bool(rises) or min(_learning_rate_fall(training, images_seen), penalty) < 1


def falling(progress: float, shape: str, final: float) -> float:
    """From 1 at ``progress`` 0 (and before) to ``final`` at 1 (and after): as a line, or as half a cosine wave."""
    progress = min(1.0, max(0.0, progress))
    shares = {"constant": 0.0, "linear": progress, "cosine": (1 - math.cos(math.pi * progress)) / 2}
    return 1 + (final - 1) * shares[shape]


def _learning_rate_fall(training: TrainingConfig, images_seen: int) -> float:
    decay_share = training.learning_rate_decay
    progress = (_share_of_run(training, images_seen) - (1 - decay_share)) / decay_share
    return falling(progress, training.learning_rate_schedule, training.learning_rate_final)


def _penalty(training: TrainingConfig, images_seen: int) -> float | None:
    """A lazy penalty is paid every so many steps, and then so many times (Karras et al. 2020, arXiv 1912.04958)."""
    if not training.penalised or images_seen // training.batch_size % training.penalty_every:
        return None
    return training.penalty_every * _penalty_fall(training, images_seen)


def _penalty_fall(training: TrainingConfig, images_seen: int) -> float:
    progress = _share_of_run(training, images_seen) / PENALTY_FALLS_UNTIL
    return falling(progress, "cosine", training.penalty_final)


def _strength(training: TrainingConfig, images_seen: int) -> float | None:
    if not training.augmentation or training.augmentation_schedule == "adaptive":
        return None
    rising = 1 - falling(_share_of_run(training, images_seen), "cosine", 0.0)
    return training.augmentation_strength * (1.0 if training.augmentation_schedule == "constant" else rising)


def _kept(training: TrainingConfig, images_seen: int, count: int) -> float:
    if training.average_width is not None:
        return power_decay(count, images_seen=images_seen, width=training.average_width)
    half_life, warmup = training.average_half_life, training.average_warmup
    return 0.0 if half_life is None else decay(count, images_seen=images_seen, half_life=half_life, warmup=warmup)


def total_at(training: TrainingConfig, images_seen: int) -> int:
    """The budget in images as it was planned when so many had been seen."""
    plans = zip(training.planned_at, training.planned_images, strict=True)
    return next((total for seen, total in plans if images_seen < seen), training.images or 0)


def _share_of_run(training: TrainingConfig, images_seen: int) -> float:
    """Of what was planned; from each correction on, what was left then goes evenly to the new end."""
    share, start = 0.0, 0
    for end, total in zip(training.planned_at, training.planned_images, strict=True):
        if images_seen <= end:
            return share + (1 - share) * (images_seen - start) / (total - start)
        share += (1 - share) * (end - start) / (total - start)
        start = end
    left = (training.images or 0) - start
    return share + (1 - share) * (images_seen - start) / left if left > 0 else share
