"""Endless shuffled batches whose order is a pure function of (seed, position): nothing to save, nothing to replay."""

import numpy as np

from dcgan.randomness import permutation


class Batches:
    """The training images in a new random order each epoch, as batches that any position can ask for."""

    def __init__(
        self,
        pixels: np.ndarray,
        indices: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        labels: np.ndarray | None = None,
        short_last_batch: bool = False,
    ) -> None:
        """``pixels``: n h w c, in memory or mapped; ``indices``: rows to train on; ``labels``: of all n rows.

        ``short_last_batch`` ends each epoch with what is left of it; otherwise the next epoch fills the batch.
        """
        assert len(indices) >= 2, len(indices)
        self.pixels, self.indices, self.labels = pixels, indices, labels
        self.batch_size, self.seed, self.short_last_batch = batch_size, seed, short_last_batch
        self._epoch, self._order = -1, indices

    @property
    def epoch_size(self) -> int:
        """Images in an epoch."""
        return len(self.indices)

    @property
    def sizes(self) -> set[int]:
        """Every number of images that a batch may have."""
        last = (self.epoch_size - 1) // self.batch_size * self.batch_size
        return {self.size_at(0), self.size_at(last)}

    def rows(self, images_seen: int) -> np.ndarray:
        """The batch that follows ``images_seen`` images, as rows of ``pixels``: int64."""
        return self._rows(images_seen, self.size_at(images_seen))

    def size_at(self, images_seen: int) -> int:
        """Images in the batch that follows."""
        if not self.short_last_batch:
            return self.batch_size
        return min(self.batch_size, self.epoch_size - images_seen % self.epoch_size)

    def _rows(self, position: int, count: int) -> np.ndarray:
        """``count`` rows of the endless sequence from ``position`` on."""
        parts = []
        while count > 0:
            epoch, start = divmod(position, self.epoch_size)
            part = self._ordered(epoch)[start : start + count]
            parts.append(part)
            position, count = position + len(part), count - len(part)
        return np.concatenate(parts)

    def _ordered(self, epoch: int) -> np.ndarray:
        if epoch != self._epoch:
            self._order = self.indices[permutation(self.epoch_size, f"order/{epoch}", seed=self.seed)]
            self._epoch = epoch
        return self._order
