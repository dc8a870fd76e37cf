"""How many modes of a distribution whose modes are known does a generator reach?

Stacked-MNIST (Metz et al. 2016, "Unrolled generative adversarial networks", arXiv 1611.02163): three random digits
in three channels make a thousand equally likely modes. As the papers do: 26,000 samples, each channel classified by
itself, a mode counts once it is hit, Kullback and Leibler's divergence of the shares from the uniform distribution.
Two things that the papers leave out: even perfect samples have a divergence of about (modes - 1) / 2n, 0.019 here; and
a single hit may be a mistake of the classifier, so that modes hit five times are counted as well.

Rings and grids of Gaussians: Srivastava et al. 2017, "VEEGAN" (arXiv 1705.07761), section 4.1: a point within three
standard deviations of a centre is of high quality.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dcgan.tensors import Labels

STACKED_MODES = 1000
STACKED_SAMPLES = 26_000
DIGIT_SIZE = 28


class Modes(NamedTuple):
    """Which of equally likely modes were hit."""

    num_hit: int
    num_hit_often: int
    """Five times at least."""
    divergence: float
    """Kullback and Leibler's, in nats, of the shares from the uniform distribution: 0 is ideal, log(modes) one mode."""


class GaussianModes(NamedTuple):
    """Where points lie in a mixture of Gaussians."""

    num_hit: int
    high_quality: float
    """Share of the points within ``within`` deviations of a centre."""


def count_modes(modes: Labels, num_modes: int = STACKED_MODES) -> Modes:
    """From the mode of each sample, 0 … num_modes - 1."""
    counts = torch.bincount(modes, minlength=num_modes).double()
    assert len(counts) == num_modes, (len(counts), num_modes)
    shares = counts / counts.sum()
    divergence = float(torch.special.xlogy(shares, num_modes * shares).sum())
    return Modes(int((counts > 0).sum()), int((counts >= 5).sum()), divergence)


def modes_of_digits(digits: Labels) -> Labels:
    """n 3 digits, 0 … 9 → n modes: 100 times the first, ten times the second and the third."""
    return digits @ torch.tensor([100, 10, 1])


def ring(num_modes: int = 8, radius: float = 2.0) -> Tensor:
    """Centres on a circle around zero: n 2."""
    angles = 2 * math.pi * torch.arange(num_modes) / num_modes
    return radius * torch.stack([angles.cos(), angles.sin()], dim=1)


def grid(side: int = 5, spacing: float = 2.0) -> Tensor:
    """Centres on a square grid around zero: side² 2."""
    line = spacing * (torch.arange(side) - (side - 1) / 2)
    return torch.cartesian_prod(line, line)


def gaussian_modes(
    points: Tensor, centres: Tensor, deviation: float, *, within: float = 3.0, fewest: int = 20
) -> GaussianModes:
    """Count the centres that have ``fewest`` points within ``within`` deviations.

    Of points (n 2) drawn from the mixture itself, 1 - exp(-within² / 2) are of high quality: 98.9 % of them.
    """
    distances, nearest = torch.cdist(points, centres).min(dim=1)
    good = distances <= within * deviation
    counts = torch.bincount(nearest[good], minlength=len(centres))
    return GaussianModes(int((counts >= fewest).sum()), float(good.double().mean()))
