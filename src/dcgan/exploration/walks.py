"""Walks: a course from image to image through the latent space, at an even pace.

Radford, Metz, Chintala 2015 (arXiv 1511.06434), section 6.1 and figure 4, walk in straight lines between uniform
latents; sharp changes on the way are a sign of memorised images. Straight lines between normal latents pass through
the nearly empty middle (White 2016, arXiv 1609.04468), so between those the course is an arc of a great circle.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from dcgan.exploration.points import Points
from dcgan.randomness import Prior, slerp
from dcgan.tensors import Features

Look = Callable[[Points], Features]
DENSE = 4  # shares looked at for each frame before the first guess
ROUNDS = 12
TOLERANCE = 0.1  # by how much the longest step may exceed the shortest one where the pace is even enough


def along(stops: Points, shares: Tensor, prior: Prior, *, loop: bool = False) -> Points:
    """The points at these shares (0 … 1) of the way through all stops, in order; ``loop`` leads back to the first.

    Every leg from stop to stop is the same share of the way.
    """
    assert len(stops) >= 2, len(stops)
    num_legs = len(stops) if loop else len(stops) - 1
    place = shares.clamp(0, 1) * num_legs
    leg = place.floor().clamp(max=num_legs - 1).long()
    within = (place - leg)[:, None].to(stops.latents.dtype)
    start, end = stops[leg], stops[(leg + 1) % len(stops)]
    if prior == "normal":
        latents = slerp(start.latents, end.latents, within)
    else:
        latents = start.latents.lerp(end.latents, within)
    classes = None if start.classes is None or end.classes is None else start.classes.lerp(end.classes, within)
    return Points(latents, classes)


def walk(stops: Points, frames: int, prior: Prior, *, loop: bool = False, look: Look | None = None) -> Points:
    """``frames`` points through all stops, from the first to the last, or around and back to just before the first.

    ``look``: what each point looks like, as features; all steps then are equally long in these. None: equally long
    in shares of the way.
    """
    count = frames + 1 if loop else frames

    def at(shares: Tensor) -> Points:
        return along(stops, shares, prior, loop=loop)

    shares = torch.linspace(0, 1, count, dtype=torch.float64)
    if look is not None:
        shares = even_shares(lambda shares: look(at(shares)), count)
    return at(shares[:frames])


def even_shares(look: Callable[[Tensor], Features], count: int) -> Tensor:
    """``count`` shares from 0 to 1 whose features are equally far from one to the next.

    The first guess is by the length of a dense course. Steps are straight lines across its bends, so the guess is
    then corrected by the lengths of its own steps; the most even one found is returned.
    """
    dense = torch.linspace(0, 1, DENSE * (count - 1) + 1, dtype=torch.float64)
    shares = best = _redistributed(dense, step_lengths(look(dense)), count)
    least = float("inf")
    for _ in range(ROUNDS):
        steps = step_lengths(look(shares))
        excess = float(steps.max() / steps.min().clamp(min=1e-30))
        if excess < least:
            best, least = shares, excess
        if excess <= 1 + TOLERANCE:
            break
        shares = _redistributed(shares, steps, count)
    return best


def step_lengths(features: Features) -> Tensor:
    """Distance of each row to the next: n - 1, float64."""
    lengths: Tensor = features.double().diff(dim=0).norm(dim=1)
    return lengths


def _redistributed(shares: Tensor, steps: Tensor, count: int) -> Tensor:
    """``count`` shares at equal distances along a course whose ``shares`` lie so many ``steps`` apart."""
    travelled = np.concatenate([[0.0], np.cumsum(steps.numpy())])
    if travelled[-1] == 0:
        return torch.linspace(0, 1, count, dtype=torch.float64)
    return torch.from_numpy(np.interp(np.linspace(0, travelled[-1], count), travelled, shares.numpy()))
