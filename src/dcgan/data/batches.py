"""Endless shuffled batches whose order is a pure function of (seed, position): nothing to save, nothing to replay."""

import numpy as np

from dcgan.data.windows import Reader, Windows
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
        window: int = 0,
    ) -> None:
        """The batches of an array.

        Args:
            pixels: n h w c, in memory or mapped.
            indices: Rows to train on.
            batch_size: Images of a batch.
            seed: Another seed, another order.
            labels: Of all n rows.
            short_last_batch: End each epoch with what is left of it; otherwise the next epoch fills the batch.
            window: Images that are mixed at a time and read from disk in whole blocks; 0: all, in memory.
        """
        assert len(indices) >= 2, len(indices)
        self.pixels, self.indices, self.labels = pixels, indices, labels
        self.batch_size, self.seed, self.short_last_batch = batch_size, seed, short_last_batch
        self._epoch, self._order = -1, indices
        self._windows = Windows(indices, window, seed=seed) if window else None
        self._reader = Reader(pixels, indices, window, seed=seed) if window else None

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

    def pictures(self, images_seen: int, rows: np.ndarray) -> np.ndarray:
        """The images of these rows, which follow ``images_seen`` images: n h w c."""
        if self._windows is None or self._reader is None:
            chosen: np.ndarray = self.pixels[rows]
            return chosen
        parts = [
            self._reader.images(place.window)[self._windows.order(place.window)[place.start : place.stop]]
            for place in self._windows.places(images_seen, len(rows))
        ]
        return np.concatenate(parts)

    def close(self) -> None:
        """Read no more from disk."""
        if self._reader is not None:
            self._reader.close()

    def size_at(self, images_seen: int) -> int:
        """Images in the batch that follows."""
        if not self.short_last_batch:
            return self.batch_size
        return min(self.batch_size, self.epoch_size - images_seen % self.epoch_size)

    def _rows(self, position: int, count: int) -> np.ndarray:
        """``count`` rows of the endless sequence from ``position`` on."""
        if self._windows is not None:
            return np.concatenate([self._windows.rows(place) for place in self._windows.places(position, count)])
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
