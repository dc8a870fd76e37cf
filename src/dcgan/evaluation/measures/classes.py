"""One number hides classes that fail: distances for each class, and whether samples show the class asked for.

A class is recognised by a probe: ridge regression from features to classes (Rifkin and Lippert 2007, "Notes on
regularized least squares"), fitted to real images in closed form, so that it is the same every time. As in Ravuri and
Vinyals 2019 (arXiv 1905.10887), agreement on samples means nothing without the accuracy on real images beside it.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measures.distances import Estimate, frechet_distance, kernel_distance, kernel_sums
from dcgan.tensors import Features, Labels

_RIDGE = 1e-3
"""Of the mean variance of the features: enough where there are fewer images than features, little elsewhere."""
_MISSING = 0.1
_MOST_OTHERS = 1000
"""Real images of other classes, in an order that says nothing about them."""


class ClassDistance(NamedTuple):
    """How far the samples of one class are from the real images of that class."""

    label: int
    frechet: float
    kernel: Estimate
    num_samples: int
    num_reference: int
    apart: float
    """The kernel distance of real images of the other classes, in the place of the samples."""

    @property
    def share(self) -> Estimate | None:
        """The kernel distance as a share of ``apart``: 0 for real images of the class, 1 for those of the others.

        A kernel distance alone mostly says how special a class is: samples that are no good lie farther from trousers,
        which look like nothing else, than from shirts.
        """
        return Estimate(*(value / self.apart for value in self.kernel)) if self.apart > 0 else None


class Agreement(NamedTuple):
    """How often the probe sees the class that was asked for."""

    samples: float
    """Share of all samples."""
    reals: float
    """Share of real images it was not fitted to: what perfect samples would reach."""
    by_class: tuple[float, ...]
    """Share of the samples of each class; NaN where there are none."""
    reals_by_class: tuple[float, ...]


class ClassShares(NamedTuple):
    """How often each class is seen in samples that were not asked for any, and in real images."""

    samples: tuple[float, ...]
    reals: tuple[float, ...]
    divergence: float
    """Kullback and Leibler's, of the samples' shares from the real ones, in nats; of real images about classes / 2n."""
    missing: tuple[int, ...]
    """Classes seen less than a tenth as often as in real images."""


@dataclass(frozen=True)
class Probe:
    """A linear map from features to classes."""

    weight: Tensor
    """d classes, float64."""
    bias: Tensor

    def __call__(self, features: Features) -> Labels:
        """The most likely class of each image."""
        scores: Tensor = features.double() @ self.weight + self.bias
        return scores.argmax(dim=1)


def fit_probe(features: Features, labels: Labels, num_classes: int) -> Probe:
    """Fit to real images and their classes: least squares on +1 (its class) and -1 (all others)."""
    values = features.double()
    targets = 2 * torch.nn.functional.one_hot(labels, num_classes).double() - 1
    mean, target_mean = values.mean(dim=0), targets.mean(dim=0)
    centred = values - mean
    squares = centred.T @ centred
    ridge = _RIDGE * squares.trace() / len(squares)
    squares.diagonal().add_(ridge.clamp(min=torch.finfo(squares.dtype).tiny))
    weight = torch.linalg.solve(squares, centred.T @ (targets - target_mean), left=True)
    return Probe(weight, target_mean - mean @ weight)


def class_distances(
    samples: Features, sample_labels: Labels, reference: Features, reference_labels: Labels, *, fewest: int = 10
) -> list[ClassDistance]:
    """Distances for each class that both have ``fewest`` images of.

    With some hundreds of images a class, the Fréchet distance is mostly bias: compare classes by the kernel distance.
    """
    found = []
    for label in sorted(set(sample_labels.tolist()) & set(reference_labels.tolist())):
        ours, theirs = samples[sample_labels == label], reference[reference_labels == label]
        if min(len(ours), len(theirs)) >= fewest:
            frechet, sums = frechet_distance(FeatureStats.of(ours), FeatureStats.of(theirs)), kernel_sums(theirs)
            others = reference[reference_labels != label][:_MOST_OTHERS]
            apart = kernel_distance(others, theirs, sums).value if len(others) >= fewest else math.nan
            kernel = kernel_distance(ours, theirs, sums)
            found.append(ClassDistance(label, frechet, kernel, len(ours), len(theirs), apart))
    return found


def agreement(
    probe: Probe, samples: Features, asked: Labels, reals: Features, real_labels: Labels, *, num_classes: int
) -> Agreement:
    """Compare what the probe sees in samples with what was asked for; ``reals`` are images it was not fitted to."""
    right, real_right = (probe(samples) == asked).double(), (probe(reals) == real_labels).double()
    return Agreement(
        samples=float(right.mean()),
        reals=float(real_right.mean()),
        by_class=tuple(float(right[asked == label].mean()) for label in range(num_classes)),
        reals_by_class=tuple(float(real_right[real_labels == label].mean()) for label in range(num_classes)),
    )


def confusion(probe: Probe, features: Features, labels: Labels, num_classes: int) -> Tensor:
    """Row: class; column: the share of its images that the probe takes for each class; NaN in a row without images."""
    pairs = torch.bincount(labels * num_classes + probe(features), minlength=num_classes**2).double()
    counts = pairs.reshape(num_classes, num_classes)
    return counts / counts.sum(dim=1, keepdim=True)


def spreads_within(features: Features, labels: Labels, num_classes: int) -> tuple[float, ...]:
    """How much the images of each class differ: mean squared distance from their mean; NaN without images."""
    found = []
    for label in range(num_classes):
        own = features[labels == label].double()
        found.append(float((own - own.mean(dim=0)).square().sum(dim=1).mean()))
    return tuple(found)


def class_shares(probe: Probe, samples: Features, reals: Features, num_classes: int) -> ClassShares:
    """Has the generator forgotten classes? Both sides go through the probe, so that its mistakes cancel.

    Half an image is added to every class of the real ones, lest one that the probe never sees make it infinite.
    """
    counts, real_counts = (torch.bincount(probe(images), minlength=num_classes).double() for images in (samples, reals))
    shares = counts / counts.sum()
    real_shares = (real_counts + 0.5) / (real_counts + 0.5).sum()
    divergence = torch.special.xlogy(shares, shares / real_shares).sum()
    missing = (shares < _MISSING * real_shares) & (real_counts > 0)
    return ClassShares(
        tuple(shares.tolist()),
        tuple((real_counts / real_counts.sum()).tolist()),
        max(0.0, math.fsum([float(divergence)])),
        tuple(missing.nonzero().flatten().tolist()),
    )
