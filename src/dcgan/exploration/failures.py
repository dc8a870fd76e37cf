"""Failures: samples unlike any real image, real images that no sample is like, and both in groups.

A distance counts by the radius of the real image it is measured from: how far its own k-th neighbour is. Beyond 1, an
image lies outside the ball that precision and coverage are defined by (Kynkäänniemi et al. 2019, arXiv 1904.06991;
Naeem et al. 2020, arXiv 2002.09797).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.randomness import permutation
from dcgan.tensors import Features

GROUPS = 6
WORST = 64
ROUNDS = 50


@dataclass(frozen=True)
class Group:
    """Images that failed in the same way."""

    rows: Tensor
    """Their numbers, the most typical of the group first."""


def strangeness(to_reals: Tensor, nearest: Tensor, radii: Tensor) -> Tensor:
    """How far each sample is from its nearest real image, in radii of that image: n.

    ``to_reals``: n, its distance; ``nearest``: n, its row; ``radii``: of all real images.
    """
    return to_reals / radii[nearest].clamp(min=1e-12)


def worst_groups(scores: Tensor, features: Features, *, worst: int = WORST, groups: int = GROUPS) -> list[Group]:
    """The images of the highest scores, in groups of similar ones, the largest group first."""
    rows = scores.topk(min(worst, len(scores))).indices
    labels, centres = cluster(features[rows], groups)
    found = []
    for number in range(len(centres)):
        own = rows[labels == number]
        distances = (features[own] - centres[number]).norm(dim=1)
        found.append(Group(own[distances.argsort()]))
    return sorted((group for group in found if len(group.rows)), key=lambda group: -len(group.rows))


def cluster(features: Features, groups: int) -> tuple[Tensor, Features]:
    """K-means: the group of each row, and the centres.

    Each first centre is the row that is farthest from those before it, so that the same rows give the same groups.
    """
    first = int(permutation(len(features), "cluster", seed=0)[0])
    chosen = [first]
    while len(chosen) < min(groups, len(features)):
        chosen.append(int(torch.cdist(features, features[chosen]).amin(dim=1).argmax()))
    centres = features[chosen]
    labels = torch.cdist(features, centres).argmin(dim=1)
    for _ in range(ROUNDS):
        means = [features[labels == number].mean(dim=0) for number in range(len(centres)) if (labels == number).any()]
        centres = torch.stack(means)
        moved = torch.cdist(features, centres).argmin(dim=1)
        if torch.equal(moved, labels):
            break
        labels = moved
    return labels, centres
