"""How different samples are from one another, beside real images: the plainest sign of collapse."""

import torch
from torch import Tensor

from dcgan.tensors import Features, Labels


def diversity(samples: Features, reals: Features) -> float:
    """Mean distance between two samples, over that between two real images: 1 is ideal, 0 is one and the same image.

    Time and memory n²: a thousand of each will do, while a run trains too.
    """
    return float(_mean_distance(samples) / _mean_distance(reals))


def class_diversity(samples: Features, labels: Labels, reals: Features, real_labels: Labels) -> float | None:
    """The same between images of one class, the mean over all classes.

    None if no class has two images of either kind, or all real images of each class are the same.

    A generator that was told the classes can make one image of each, over and over: of ten classes such samples differ
    nearly as much as real images do.
    """
    pairs = [
        (ours, theirs)
        for label in sorted(set(labels.tolist()))
        if len(ours := samples[labels == label]) > 1 and len(theirs := reals[real_labels == label]) > 1
    ]
    if not pairs:
        return None
    spreads = torch.stack([torch.stack([_mean_distance(one) for one in pair]) for pair in pairs]).mean(dim=0)
    return float(spreads[0] / spreads[1]) if spreads[1] > 0 else None


def _mean_distance(features: Features) -> Tensor:
    assert len(features) > 1, len(features)
    return torch.pdist(features.double()).mean()
