"""How different samples are from one another, beside real images: the plainest sign of collapse."""

import torch
from torch import Tensor

from dcgan.tensors import Features


def diversity(samples: Features, reals: Features) -> float:
    """Mean distance between two samples, over that between two real images: 1 is ideal, 0 is one and the same image.

    Time and memory n²: a thousand of each will do, while a run trains too.
    """
    return float(_mean_distance(samples) / _mean_distance(reals))


def _mean_distance(features: Features) -> Tensor:
    assert len(features) > 1, len(features)
    return torch.pdist(features.double()).mean()
