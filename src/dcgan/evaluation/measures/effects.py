"""How results of repeated runs differ: order statistics, since runs are few and one may have gone astray."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Where the results lie."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread | None:
    """Median, least and greatest; None without values."""
    return Spread(statistics.median(values), min(values), max(values), len(values)) if values else None


def paired_difference(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float | None:
    """Median over the seeds that both have of ours - theirs; None when they share none."""
    differences = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    return statistics.median(differences) if differences else None


def superiority(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """How often one of ours is greater than one of theirs, over all pairs, ties counting half; None without pairs.

    A of Vargha, Delaney 2000 (doi 10.3102/10769986025002101), equation 1. Cliff's delta is 2 A - 1.
    """
    if not ours or not theirs:
        return None
    wins = sum((our > their) + 0.5 * (our == their) for our in ours for their in theirs)
    return wins / (len(ours) * len(theirs))


def rank_correlation(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Spearman's: 1 where both are in the same order, -1 where the order is turned round.

    Equal values share their middle rank. NaN where one side has no order: fewer than two values, or all equal.
    """
    assert len(ours) == len(theirs), (len(ours), len(theirs))
    if len(set(ours)) < 2 or len(set(theirs)) < 2:
        return math.nan
    return statistics.correlation(_ranks(ours), _ranks(theirs))


def _ranks(values: Sequence[float]) -> list[float]:
    below = [sum(other < value for other in values) for value in values]
    return [rank + (sum(other == value for other in values) - 1) / 2 for rank, value in zip(below, values, strict=True)]
