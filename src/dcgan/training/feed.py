"""The inputs of each step, on the device; made ahead of the step on an accelerator, which must never wait for them.

They are functions of (seed, attempt, image index), so making them early or late changes nothing.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dcgan.data.batches import Batches
from dcgan.randomness import Prior, latents
from dcgan.tensors import Labels, Latents, Pixels, aligned, as_labels
from dcgan.training.augment import NUM_DRAWS

RESIDENT_SHARE = 0.4  # of an accelerator's free memory that the images may take
STEPS_AHEAD = 3


@dataclass(frozen=True)
class Inputs:
    """What one step is given."""

    pixels: Pixels
    latents: Latents
    labels: Labels | None = None
    draws: Tensor | None = None
    """n x NUM_DRAWS, for augmentation and mirroring."""

    def tensors(self) -> tuple[Tensor, ...]:
        """All that there are, in order."""
        every = (self.pixels, self.latents, self.labels, self.draws)
        return tuple(tensor for tensor in every if tensor is not None)

    def each(self, change: Callable[[Tensor], Tensor]) -> "Inputs":
        """The same with every tensor changed."""
        labels, draws = (None if tensor is None else change(tensor) for tensor in (self.labels, self.draws))
        return Inputs(change(self.pixels), change(self.latents), labels, draws)


class Feed:
    """Batches and latents by position."""

    def __init__(
        self,
        batches: Batches,
        device: torch.device,
        *,
        seed: int,
        latent_size: int,
        prior: Prior = "normal",
        augmented: bool = False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        """On CUDA the images stay on the device when they fit into ``RESIDENT_SHARE`` of its free memory.

        ``augmented``: images are augmented or mirrored, for which draws are made.
        ``share``: which part of each batch is made here, and of how many.
        """
        self.batches, self.device = batches, device
        self.seed, self.latent_size, self.prior = seed, latent_size, prior
        self.augmented, self.share = augmented, share
        self._resident = _resident(batches.pixels, device)
        self._pool = ThreadPoolExecutor(1, "dcgan-feed") if device.type == "cuda" else None
        self._waiting: deque[tuple[tuple[int, int], Future[Inputs]]] = deque()

    def at(self, position: int, attempt: int = 0) -> Inputs:
        """The inputs of the step that follows ``position`` images."""
        if self._pool is None:
            return self._on_device(self._make(position, attempt))
        while self._waiting and self._waiting[0][0] != (position, attempt):
            self._waiting.popleft()[1].cancel()  # somebody went back
        while len(self._waiting) <= STEPS_AHEAD:
            following = self._waiting[-1][0][0] if self._waiting else None
            start = position if following is None else following + self.batches.size_at(following)
            self._waiting.append(((start, attempt), self._pool.submit(self._make, start, attempt)))
        return self._on_device(self._waiting.popleft()[1].result())

    def close(self) -> None:
        """Stop making what nobody will ask for."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self.batches.close()

    def _make(self, position: int, attempt: int) -> Inputs:
        """On the host: of images that are on the device already, only their row numbers."""
        rows, (part, parts) = self.batches.rows(position), self.share
        size = len(rows) // parts
        rows, position = rows[part * size : (part + 1) * size], position + part * size
        pixels = rows if self._resident is not None else self.batches.pictures(position, rows)
        noise = latents(
            position, len(rows), self.latent_size, seed=self.seed, attempt=attempt, prior=self.prior
        )  # fmt: skip
        labels = None if self.batches.labels is None else as_labels(aligned(self.batches.labels[rows]))
        draws = draws_of(position, len(rows), seed=self.seed, attempt=attempt) if self.augmented else None
        made = Inputs(aligned(pixels), noise, labels, draws)
        return made if self._pool is None else made.each(torch.Tensor.pin_memory)

    def _on_device(self, made: Inputs) -> Inputs:
        there = made.each(lambda tensor: tensor.to(self.device, non_blocking=True))
        pixels = there.pixels if self._resident is None else self._resident.index_select(0, there.pixels)
        return replace(there, pixels=pixels.permute(0, 3, 1, 2))  # channels last in memory


def draws_of(position: int, count: int, *, seed: int, attempt: int = 0) -> Tensor:
    """How the images after ``position`` are augmented and mirrored: ``count`` x NUM_DRAWS, uniform(-1, 1)."""
    return latents(position, count, NUM_DRAWS, seed=seed, stream="augmentation", attempt=attempt, prior="uniform")


def _resident(pixels: np.ndarray, device: torch.device) -> Tensor | None:
    """All images on the device, n h w c, if there is room."""
    if device.type != "cuda" or pixels.nbytes > RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]:
        return None
    there = torch.empty(pixels.shape, dtype=torch.from_numpy(pixels[:1].copy()).dtype, device=device)
    for start in range(0, len(pixels), 4096):
        there[start : start + 4096] = torch.from_numpy(pixels[start : start + 4096].copy())
    return there
