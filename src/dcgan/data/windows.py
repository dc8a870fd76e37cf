"""An order in which images that do not fit into memory can be read from disk: whole blocks, mixed a window at a time.

Each epoch puts the blocks into a new order, takes so many of them as a window, and mixes the rows of the window. Rows
of a prepared array lie in the order of a hash of their content, so a block is a random sample already. The order is a
pure function of (seed, position): a run goes on, on any number of processes, without anything to remember.
"""

import mmap
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dcgan.randomness import permutation

BLOCK = 128
"""Rows that are read in one go: 400 kB of images of 32x32, 1.6 MB of 64x64."""


@dataclass(frozen=True)
class Place:
    """Some images that follow one another in the order."""

    window: tuple[int, int]
    """Epoch, and number of the window in it."""
    start: int
    """Of the images in the mixed window."""
    stop: int


class Windows:
    """Where each position of the endless sequence of images lies."""

    def __init__(self, indices: np.ndarray, window: int, *, seed: int) -> None:
        """``indices``: rows to train on, ascending; ``window``: images that are mixed at a time, in whole blocks."""
        self.indices, self.seed = indices, seed
        self._num_blocks = -(-len(indices) // BLOCK)
        self._blocks_a_window = max(1, window // BLOCK)
        self._epoch, self._blocks, self._starts = -1, np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._orders: dict[tuple[int, int], np.ndarray] = {}

    def places(self, position: int, count: int) -> list[Place]:
        """Where ``count`` images from ``position`` on lie."""
        found = []
        while count > 0:
            epoch, start = divmod(position, len(self.indices))
            self._enter(epoch)
            number = int(np.searchsorted(self._starts, start, side="right")) - 1
            first, end = int(self._starts[number]), int(self._starts[number + 1])
            stop = min(end, start + count)
            found.append(Place((epoch, number), start - first, stop - first))
            position, count = position + stop - start, count - (stop - start)
        return found

    def blocks(self, window: tuple[int, int]) -> list[np.ndarray]:
        """The rows of each block of a window, before they are mixed."""
        epoch, number = window
        self._enter(epoch)
        chosen = self._blocks[number * self._blocks_a_window : (number + 1) * self._blocks_a_window]
        return [self.indices[block * BLOCK : (block + 1) * BLOCK] for block in chosen.tolist()]

    def order(self, window: tuple[int, int]) -> np.ndarray:
        """How the rows of a window are mixed: int64, a permutation."""
        if window not in self._orders:
            count = sum(map(len, self.blocks(window)))
            while len(self._orders) > 2:
                self._orders.pop(next(iter(self._orders)))
            self._orders[window] = permutation(count, f"window/{window[0]}/{window[1]}", seed=self.seed)
        return self._orders[window]

    def rows(self, place: Place) -> np.ndarray:
        """Rows of the array, in their order."""
        unmixed = np.concatenate(self.blocks(place.window))
        chosen: np.ndarray = unmixed[self.order(place.window)[place.start : place.stop]]
        return chosen

    def after(self, window: tuple[int, int]) -> tuple[int, int]:
        """The window that follows."""
        epoch, number = window
        last = -(-self._num_blocks // self._blocks_a_window) - 1
        return (epoch + 1, 0) if number == last else (epoch, number + 1)

    def _enter(self, epoch: int) -> None:
        """Know the order of the blocks of an epoch, and where its windows begin."""
        if epoch == self._epoch:
            return
        self._blocks = permutation(self._num_blocks, f"blocks/{epoch}", seed=self.seed)
        sizes = np.minimum(BLOCK, len(self.indices) - self._blocks * BLOCK)
        sums = np.add.reduceat(sizes, np.arange(0, self._num_blocks, self._blocks_a_window))
        self._epoch, self._starts = epoch, np.concatenate([[0], np.cumsum(sums)])


class Reader:
    """Images of the window that is trained on, in memory; a thread reads those of the next one meanwhile."""

    def __init__(self, pixels: np.ndarray, indices: np.ndarray, window: int, *, seed: int) -> None:
        """``pixels``: n h w c, mapped from a file. Two windows are in memory at a time."""
        self._pixels = pixels
        self._windows = Windows(indices, window, seed=seed)  # the thread's own
        self._map, self._offset = _mapping(pixels)
        self._pool = ThreadPoolExecutor(1, "dcgan-window")
        self._ready: dict[tuple[int, int], Future[np.ndarray]] = {}

    def images(self, window: tuple[int, int]) -> np.ndarray:
        """The images of a window in the order of its blocks."""
        following = self._windows.after(window)
        self._ready = {known: future for known, future in self._ready.items() if known in (window, following)}
        for wanted in (window, following):
            if wanted not in self._ready:
                self._ready[wanted] = self._pool.submit(self._read, wanted)
        return self._ready[window].result()

    def close(self) -> None:
        """Read no more."""
        self._pool.shutdown(cancel_futures=True)

    def _read(self, window: tuple[int, int]) -> np.ndarray:
        blocks = self._windows.blocks(window)
        images = np.empty((sum(map(len, blocks)), *self._pixels.shape[1:]), self._pixels.dtype)
        done = 0
        for number, rows in enumerate(blocks):
            if number + 1 < len(blocks):
                self._advise(blocks[number + 1], mmap.MADV_WILLNEED)
            images[done : done + len(rows)] = self._pixels[rows[0] : rows[-1] + 1][rows - rows[0]]
            self._advise(rows, mmap.MADV_DONTNEED)  # it stays in the system's cache, but is no memory of this process
            done += len(rows)
        return images

    def _advise(self, rows: np.ndarray, advice: int) -> None:
        """Tell the system what becomes of the pages of a block."""
        if self._map is None:
            return
        size = self._pixels.strides[0]
        start = (self._offset + int(rows[0]) * size) // mmap.PAGESIZE * mmap.PAGESIZE
        stop = min(self._offset + (int(rows[-1]) + 1) * size, len(self._map))
        self._map.madvise(advice, start, stop - start)


def _mapping(pixels: np.ndarray) -> tuple[mmap.mmap | None, int]:
    """The mapped file that an array lies in and where it begins there; None for one in memory."""
    base: object = pixels
    while base is not None and not isinstance(base, mmap.mmap):
        base = getattr(base, "base", None)
    if base is None or not pixels.flags.c_contiguous:
        return None, 0
    return base, pixels.ctypes.data - np.frombuffer(base, np.uint8).ctypes.data
