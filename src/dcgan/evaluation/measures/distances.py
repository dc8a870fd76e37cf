"""How far generated images are from real ones: Fréchet distance and kernel distance between sets of features.

Fréchet distance: Heusel et al. 2017, "GANs trained by a two time-scale update rule" (arXiv 1706.08500), equation 6:
of the two Gaussians with the sets' means and covariances. It is biased upwards, about as 1 / N, by an amount that
depends on the generator (Chong and Forsyth 2019, arXiv 1911.07023): compare only at equal N, and look at the excess
over the floor. Kernel distance: Bińkowski et al. 2018, "Demystifying MMD GANs" (arXiv 1801.01401), section 3:
the unbiased estimate of MMD² with the kernel (x·y / d + 1)³; zero on average for perfect samples, at any N.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.randomness import permutation
from dcgan.tensors import Features

CONFIDENT = 1.96
"""Standard errors on either side that hold 95 of 100 normal draws."""
FEWEST_BLOCKS = 4
"""Whose spread tells how sure their mean is."""
_TILE = 1024


class Estimate(NamedTuple):
    """A value and its 95 % confidence interval."""

    value: float
    low: float
    high: float


def frechet_distance(samples: FeatureStats, reference: FeatureStats) -> float:
    """|m1 - m2|² + tr(C1 + C2 - 2 (C1 C2)^½), exact also where there are fewer images than features.

    With C = R Rᵀ, the trace of (C1 C2)^½ is the sum of the singular values of R1ᵀ R2: no square root of a
    matrix that is not symmetric, no complex numbers and no small constants on the diagonal.
    """
    step = samples.mean - reference.mean
    first, second = samples.covariance, reference.covariance
    shared = torch.linalg.svdvals(_root(first).T @ _root(second)).sum()
    distance = step @ step + first.trace() + second.trace() - 2 * shared
    return max(0.0, float(distance))  # rounding may bring it below


def kernel_distance(samples: Features, reference: Features, reference_sums: Tensor | None = None) -> Estimate:
    """KID over all pairs, with an interval by the jackknife: time n², memory n.

    ``reference_sums``: ``kernel_sums(reference)``, where several sets are compared with one reference.

    Leaving out one image changes the three sums by its own row sums, so all n estimates without one image cost
    nothing more; the jackknife's variance is known to err on the large side (Efron and Stein 1981).
    """
    n, m = len(samples), len(reference)
    assert n > 2 and m > 2, (n, m)
    own = kernel_sums(samples)
    other = kernel_sums(reference) if reference_sums is None else reference_sums
    across, across_other = _cross_sums(samples, reference)
    total, total_other, total_across = own.sum(), other.sum(), across.sum()

    def estimate(n: int, m: int, own: Tensor, other: Tensor, across: Tensor) -> Tensor:
        return own / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)

    value = float(estimate(n, m, total, total_other, total_across))
    without = estimate(n - 1, m, total - 2 * own, total_other, total_across - across)
    without_other = estimate(n, m - 1, total, total_other - 2 * other, total_across - across_other)
    variance = (n - 1) ** 2 / n * without.var() + (m - 1) ** 2 / m * without_other.var()
    error = CONFIDENT * math.sqrt(float(variance))
    return Estimate(value, value - error, value + error)


def kernel_distance_in_blocks(
    samples: Features, reference: Features, *, block_size: int = 1000, seed: int = 0
) -> Estimate:
    """KID as the mean over disjoint blocks of either set, in an order drawn from ``seed``: time n x block_size.

    For sets too large for all pairs. The interval comes from how much the blocks differ; they are independent.
    At least ``FEWEST_BLOCKS`` must fit.
    """
    num_blocks = min(len(samples), len(reference)) // block_size
    assert num_blocks >= FEWEST_BLOCKS, (len(samples), len(reference), block_size)
    rows = permutation(len(samples), "kid samples", seed=seed)
    others = permutation(len(reference), "kid reference", seed=seed)
    blocks = [slice(start, start + block_size) for start in range(0, num_blocks * block_size, block_size)]
    estimates = [kernel_distance(samples[rows[block]], reference[others[block]]) for block in blocks]
    values = torch.tensor([estimate.value for estimate in estimates], dtype=torch.float64)
    value, error = float(values.mean()), _student(num_blocks - 1) * float(values.std()) / math.sqrt(num_blocks)
    return Estimate(value, value - error, value + error)


def kernel_sums(features: Features) -> Tensor:
    """For each image the sum of its kernels with all others, float64; each pair is computed once."""
    sums = torch.zeros(len(features), dtype=torch.float64)
    for start in range(0, len(features), _TILE):
        rows = features[start : start + _TILE]
        square = _kernel(rows, rows).fill_diagonal_(0)
        sums[start : start + _TILE] += square.sum(dim=1, dtype=torch.float64)
        for other in range(start + _TILE, len(features), _TILE):
            kernel = _kernel(rows, features[other : other + _TILE])
            sums[start : start + _TILE] += kernel.sum(dim=1, dtype=torch.float64)
            sums[other : other + _TILE] += kernel.sum(dim=0, dtype=torch.float64)
    return sums


def _student(freedom: int) -> float:
    """As ``CONFIDENT``, where the error was estimated from few values: Student's t by Fisher's expansion."""
    z = CONFIDENT
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _root(covariance: Tensor) -> Tensor:
    """R with R Rᵀ = C, d r: directions in which C is nothing but rounding are left out."""
    values, vectors = torch.linalg.eigh(covariance)
    smallest = values[-1].clamp(min=0) * len(values) * torch.finfo(values.dtype).eps
    kept = values > smallest
    root: Tensor = vectors[:, kept] * values[kept].sqrt()
    return root


def _kernel(left: Features, right: Features) -> Tensor:
    """(x·y / d + 1)³ of all pairs; float32 like the features."""
    kernel: Tensor = left @ right.T
    kernel.div_(left.shape[1]).add_(1).pow_(3)
    return kernel


def _cross_sums(left: Features, right: Features) -> tuple[Tensor, Tensor]:
    """For each image of either set the sum of its kernels with all of the other, float64."""
    sums = torch.zeros(len(left), dtype=torch.float64), torch.zeros(len(right), dtype=torch.float64)
    for start in range(0, len(left), _TILE):
        for other in range(0, len(right), _TILE):
            kernel = _kernel(left[start : start + _TILE], right[other : other + _TILE])
            sums[0][start : start + _TILE] += kernel.sum(dim=1, dtype=torch.float64)
            sums[1][other : other + _TILE] += kernel.sum(dim=0, dtype=torch.float64)
    return sums
