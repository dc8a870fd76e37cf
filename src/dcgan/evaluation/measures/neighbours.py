"""Who is near whom among features; and what that says of precision, recall, density and coverage.

Exact search, in tiles, so that memory does not grow with the square of the number of images. Distances are Euclidean;
features are centred before they are multiplied, which keeps float32 exact enough to rank by.

Precision and recall: Kynkäänniemi et al. 2019 (arXiv 1904.06991). Density and coverage: Naeem et al. 2020, "Reliable
fidelity and diversity metrics for generative models" (arXiv 2002.09797), equations 3 to 5.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dcgan.tensors import Features

_TILE_NUMBERS = 8_000_000  # 32 MB of float32


class Neighbours(NamedTuple):
    """The k nearest of each query, nearest first."""

    distances: Tensor
    """n k, float32; of an exact copy exactly 0; infinite where there is no other candidate left."""
    rows: Tensor
    """n k, int64, of the candidates."""


class Fidelity(NamedTuple):
    """How samples and real images lie among each other."""

    precision: float
    """Share of samples inside any real image's ball (its distance to its k-th nearest real one)."""
    recall: float
    """Share of real images inside any sample's ball."""
    density: float
    """Balls of real images that a sample lies in, over k: 1 for real ones, more in crowded places."""
    coverage: float
    """Share of real images whose ball holds a sample."""
    sample_density: Tensor
    """n, float32: the density of each sample by itself; the lowest are the least real."""


def nearest(
    queries: Features, candidates: Features, k: int = 1, *, groups: tuple[Tensor, Tensor] | None = None
) -> Neighbours:
    """The k nearest candidates of each query.

    ``groups``: a number for each query and for each candidate; those of the same number are never neighbours.
    """
    assert 1 <= k <= len(candidates), (k, len(candidates))
    centre = candidates.mean(dim=0)
    left, right = queries - centre, candidates - centre
    norms = right.square().sum(dim=1)
    found = []
    for rows in _tiles(len(left), len(right)):
        # The query's own norm is missing: it is the same for all candidates.
        ranks = torch.addmm(norms, left[rows], right.T, alpha=-2)
        if groups is not None:
            ranks[groups[0][rows, None] == groups[1]] = torch.inf
        values, chosen = ranks.topk(k, largest=False)
        distances = (left[rows, None] - right[chosen]).norm(dim=2)
        found.append((distances.where(values.isfinite(), torch.inf), chosen))
    return Neighbours(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def nearest_others(features: Features, k: int = 1, *, groups: Tensor | None = None) -> Neighbours:
    """The k nearest others of each image of one set: itself, and its own group if there are any, never counts."""
    own = torch.arange(len(features)) if groups is None else groups
    return nearest(features, features, k, groups=(own, own))


def radii(features: Features, k: int = 5) -> Tensor:
    """Of the ball around each image: its distance to the k-th nearest other one, n."""
    return nearest_others(features, k).distances[:, -1]


def fidelity(samples: Features, reference: Features, k: int = 5, *, real_radii: Tensor | None = None) -> Fidelity:
    """Precision, recall, density and coverage with balls that reach to the k-th nearest image of the same set.

    ``real_radii``: ``radii(reference, k)``, where several sets are compared with one reference.
    """
    assert min(len(samples), len(reference)) > k, (len(samples), len(reference), k)
    centre = reference.mean(dim=0)
    left, right = samples - centre, reference - centre
    sample_radii = radii(samples, k)
    real_radii = radii(reference, k) if real_radii is None else real_radii
    left_norms, right_norms = left.square().sum(dim=1), right.square().sum(dim=1)
    counts = torch.zeros(len(left))
    covered, recalled = torch.zeros(2, len(right), dtype=torch.bool)
    for rows in _tiles(len(left), len(right)):
        squares = torch.addmm(right_norms, left[rows], right.T, alpha=-2).add_(left_norms[rows, None])
        distances = squares.clamp_(min=0).sqrt_()
        inside = distances < real_radii
        counts[rows] = inside.sum(dim=1, dtype=torch.float32)
        covered |= inside.any(dim=0)
        recalled |= (distances < sample_radii[rows, None]).any(dim=0)
    return Fidelity(
        precision=float((counts > 0).float().mean()),
        recall=float(recalled.float().mean()),
        density=float(counts.mean()) / k,
        coverage=float(covered.float().mean()),
        sample_density=counts / k,
    )


def _tiles(num_queries: int, num_candidates: int) -> list[slice]:
    """Rows of queries, as many at a time as make one tile with all candidates."""
    step = max(1, _TILE_NUMBERS // num_candidates)
    return [slice(start, start + step) for start in range(0, num_queries, step)]
