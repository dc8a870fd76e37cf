"""Has it memorised? The distances of samples to training images, beside those of images it has never seen.

A generator that has learned the distribution is as far from its training images as other real images are. Meehan,
Chaudhuri, Dasgupta 2020, "A non-parametric test to detect data-copying" (arXiv 2004.05675) compare the ranks of both
kinds of distances; that misses a few copies among many new images, and blurred images, which lie near everything,
ring it. So the alarm counts samples that are near to one training image alone, as Carlini et al. 2023 do
(arXiv 2301.13188, section 4.2: the distance over that to the nearest 50). It hears copies, not variations of them.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dcgan.evaluation.measures.neighbours import Neighbours, nearest, nearest_others
from dcgan.tensors import Features

EXPECTED = 0.01
"""Share of new images that is as near to a training image as a suspect."""
_ALONE = 0.05  # and of these only such as are this unusually near to one image alone
_SUREST = 3.72  # normal quantile of 1 - 1e-4: how seldom the alarm should ring for nothing
_LEAST_ALARM = 0.03
_CROWD = 50


class Pair(NamedTuple):
    """A sample and the training image it resembles, by their rows."""

    sample: int
    train: int
    distance: float


@dataclass(frozen=True)
class Copies:
    """What nearest training images say about samples."""

    ratio: float
    """Median distance of the samples to their nearest training image, over that of new real images: 1 is ideal."""
    nearer: float
    """Chance that a sample is nearer to the training images than a new real image is: 0.5 is ideal."""
    rank_z: float
    """The same in standard errors, as in the paper's C_T: below -3 samples are nearer than chance would have it."""
    suspects: float
    """Share of samples nearer to a single training image than 99 of 100 new real images are."""
    threshold: float
    """Share of suspects that is more than new real images would get in one evaluation of ten thousand."""
    stand_in: bool
    """There were no new real images: distances among the training images stand in for theirs."""
    worst: tuple[Pair, ...]
    """The most suspicious pairs first."""

    @property
    def alarm(self) -> bool:
        """Whether some of the samples are copies."""
        return self.suspects > self.threshold

    def __str__(self) -> str:
        others = "training images to each other" if self.stand_in else "held-out images"
        verdict = "some are copies" if self.alarm else "no sign of copies"
        far = f"; median distance {self.ratio:.2f} times theirs" if math.isfinite(self.ratio) else ""
        return (
            f"{verdict}: {self.suspects:.1%} of the samples come closer to one training image than 99 % of {others} do "
            f"(alarm above {self.threshold:.1%}){far}"
        )


def find_copies(
    samples: Features,
    train: Features,
    held_out: Features | None = None,
    *,
    train_groups: Tensor | None = None,
    held_out_groups: Tensor | None = None,
    num_worst: int = 8,
) -> Copies | None:
    """Compare the distances of samples to training images with those of images that were held out.

    None where no real image has a training image outside its own group of near-duplicates: nothing to compare with.

    Args:
        samples: n d.
        train: All images trained on, or as many as are affordable: copies of the others are not found.
        held_out: Images not trained on. None: the distances of training images to each other stand in.
        train_groups: A number for each group of near-duplicates: members are not each other's neighbours.
        held_out_groups: The same numbers for held-out images, where groups lie on both sides.
        num_worst: How many pairs to name.
    """
    crowd = max(2, min(_CROWD, len(train) // 20))
    of_samples = nearest(samples, train, crowd)
    if held_out is None:
        of_reals = nearest_others(train, crowd, groups=train_groups)
    else:
        both = None if train_groups is None or held_out_groups is None else (held_out_groups, train_groups)
        of_reals = nearest(held_out, train, crowd, groups=both)
    near, alone = _nearness(of_samples)
    real_near, real_alone = _nearness(of_reals)
    if not len(real_near):
        return None
    rank = max(1, round(EXPECTED * len(real_near)))
    suspects = (near < real_near.kthvalue(rank).values) & (alone < torch.quantile(real_alone, _ALONE))
    nearer = _chance_below(near, real_near)
    n, m = len(near), len(real_near)
    worst = alone.topk(min(num_worst, n), largest=False).indices.tolist()
    return Copies(
        ratio=float(near.median() / real_near.median()),
        nearer=nearer,
        rank_z=(0.5 - nearer) * math.sqrt(12 * n * m / (n + m + 1)),
        suspects=float(suspects.float().mean()),
        threshold=_threshold(n, m, rank),
        stand_in=held_out is None,
        worst=tuple(Pair(row, int(of_samples.rows[row, 0]), float(near[row])) for row in worst),
    )


def _nearness(neighbours: Neighbours) -> tuple[Tensor, Tensor]:
    """Distance to the nearest, and its share of the distance to the last of the crowd; both n."""
    first, last = neighbours.distances[:, 0], neighbours.distances[:, -1]
    known = last.isfinite()  # a group larger than the crowd leaves nobody to compare with
    return first[known], first[known] / last[known].clamp(min=torch.finfo(last.dtype).tiny)


def _chance_below(values: Tensor, others: Tensor) -> float:
    """Chance that one of the values is below one of the others, ties being halves: Mann and Whitney's U / n m."""
    ordered = values.sort().values
    below, up_to = (torch.searchsorted(ordered, others, right=right).double().mean() for right in (False, True))
    return float(below + up_to) / 2 / len(values)


def _threshold(num_samples: int, num_reals: int, rank: int) -> float:
    """What share of new images may, once in ten thousand times, lie below the ``rank``-th smallest real distance.

    That share has the distribution Beta(rank, m - rank + 1), which is nearly Gamma(rank) / m; its quantile is by
    Wilson and Hilferty (1931). The chance in n samples is added in quadrature.
    """
    quantile = rank * (1 - 1 / (9 * rank) + _SUREST / (3 * math.sqrt(rank))) ** 3 / num_reals
    chance = _SUREST * math.sqrt(EXPECTED * (1 - EXPECTED) / num_samples)
    return max(_LEAST_ALARM, EXPECTED + math.hypot(quantile - EXPECTED, chance))
