"""Mean and covariance of features, batch by batch, in float64.

Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances": what two sets
know of their means and scatters gives those of both together, without the cancellation of sums of squares.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from dcgan.tensors import Features


class FeatureStats:
    """Count, mean (d) and scatter (d d: the sum of outer products of deviations) of all features seen so far."""

    def __init__(self, num_features: int) -> None:
        self.count = 0
        self.mean = torch.zeros(num_features, dtype=torch.float64)
        self.scatter = torch.zeros(num_features, num_features, dtype=torch.float64)

    @classmethod
    def of(cls, batches: Features | Iterable[Features]) -> "FeatureStats":
        """Of all features of one tensor, or of one after the other; at least one."""
        stats: FeatureStats | None = None
        for batch in [batches] if isinstance(batches, Tensor) else batches:
            stats = stats or cls(batch.shape[1])
            stats.update(batch)
        assert stats is not None, "no features"
        return stats

    @property
    def covariance(self) -> Tensor:
        """Unbiased: over count - 1, as everybody's FID has it; at least two features are needed."""
        assert self.count > 1, self.count
        return self.scatter / (self.count - 1)

    def update(self, features: Features) -> None:
        """See a batch, n d; how many at a time does not matter."""
        values = features.to(torch.float64)
        mean = values.mean(dim=0) if len(values) else self.mean
        deviations = values - mean
        self._join(len(values), mean)
        self.scatter.addmm_(deviations.T, deviations)

    def _join(self, count: int, mean: Tensor) -> None:
        """Take over count and mean of others, and the scatter between the two means."""
        total = self.count + count
        if count == 0:
            return
        step = mean - self.mean
        self.scatter.addr_(step, step, alpha=self.count * count / total)
        self.mean = self.mean + step * (count / total)
        self.count = total
