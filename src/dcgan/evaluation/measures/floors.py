"""What perfect samples would measure: the same number between real images and other real images."""

import math
from collections.abc import Callable, Iterator

import torch

from dcgan.randomness import permutation
from dcgan.tensors import Features

NUM_DRAWS = 5


def floor(
    measure: Callable[[Features, Features], float],
    reals: Features,
    reference: Features | int,
    *,
    num_samples: int,
    groups: torch.Tensor | None = None,
    seed: int = 0,
) -> float | None:
    """Mean of ``measure(images in the role of samples, reference)`` over ``NUM_DRAWS`` draws.

    Args:
        measure: What is done with (samples, reference).
        reals: Real images to draw the samples from; none of them may be in ``reference``.
        reference: The reference itself; or how many of ``reals``, others than those drawn, to take in its place.
        num_samples: As many as there were generated ones.
        groups: Numbers of near-duplicates among ``reals``; they are drawn together, so that but for one group at
            the border the two sets share none.
        seed: Of the draws.

    Returns:
        None when there are too few real images for one such draw.
    """
    values = [measure(*sets) for sets in draws(reals, reference, num_samples=num_samples, groups=groups, seed=seed)]
    return math.fsum(values) / len(values) if values else None


def draws(
    reals: Features,
    reference: Features | int,
    *,
    num_samples: int,
    groups: torch.Tensor | None = None,
    seed: int = 0,
) -> Iterator[tuple[Features, Features]]:
    """``NUM_DRAWS`` pairs (images in the role of samples, reference), as ``floor`` has them; none of too few."""
    num_reference = reference if isinstance(reference, int) else 0
    if len(reals) < num_samples + num_reference:
        return
    for draw in range(NUM_DRAWS):
        order = _order(len(reals), groups, seed, draw)
        others = reals[order[len(order) - num_reference :]] if isinstance(reference, int) else reference
        yield reals[order[:num_samples]], others


def _order(count: int, groups: torch.Tensor | None, seed: int, draw: int) -> torch.Tensor:
    """All rows in a random order, those of a group side by side."""
    rows = torch.from_numpy(permutation(count, "floor", seed=seed, attempt=draw))
    if groups is None:
        return rows
    first = torch.full((int(groups.max()) + 1,), count)
    first.scatter_reduce_(0, groups[rows], torch.arange(count), reduce="amin")
    return rows[first[groups[rows]].argsort(stable=True)]
