"""Every random draw is a function of (seed, stream, attempt, image index): nothing to save, nothing to restore.

Philox is a counter-based generator (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): word k of a
stream can be had without the k words before it. Image i of a stream owns a fixed block of words, so its numbers are
the same in any batch, on any machine and after any restart. All draws are made on the CPU, outside compiled code.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from dcgan.tensors import Latents, aligned, as_latents

Prior = Literal["normal", "uniform"]

SEED_FUNCTION = "dcgan seed 1"
"""The name of the rule of ``latents_of_seeds``, for exports: docs/export.md has it in words."""

_WORDS_PER_COUNTER = 4  # one Philox-4x64 block


def words(stream: str, first: int, count: int, *, seed: int, attempt: int = 0) -> np.ndarray:
    """``count`` 64-bit words of a stream, from word ``first`` (a multiple of 4) on."""
    assert first % _WORDS_PER_COUNTER == 0, (stream, first)
    key = key_of(stream, seed=seed, attempt=attempt)
    return np.random.Philox(key=key, counter=first // _WORDS_PER_COUNTER).random_raw(count)


def key_of(stream: str, *, seed: int, attempt: int = 0) -> np.ndarray:
    """The key of a stream: two 64-bit words, all that another implementation needs to draw the same."""
    digest = hashlib.blake2b(f"{seed}/{stream}/{attempt}".encode(), digest_size=16).digest()
    return np.frombuffer(digest, dtype="<u8")


def permutation(count: int, stream: str, *, seed: int, attempt: int = 0) -> np.ndarray:
    """A random order of ``range(count)``, stable over library versions: raw words, sorted."""
    return np.argsort(words(stream, 0, count, seed=seed, attempt=attempt), kind="stable")


def latents(
    first: int, count: int, size: int, *, seed: int, stream: str = "latents", attempt: int = 0, prior: Prior = "normal"
) -> Latents:
    """Latents of the images ``first`` … ``first + count - 1`` of a stream: float32, ``count`` x ``size``."""
    block = -(-size // _WORDS_PER_COUNTER) * _WORDS_PER_COUNTER
    raw = words(stream, first * block, count * block, seed=seed, attempt=attempt).reshape(count, block)
    return as_latents(aligned(_shape(raw, prior)[:, :size].astype(np.float32)))


def balanced_latents(count: int, size: int, *, seed: int, stream: str, prior: Prior = "normal") -> Latents:
    """``count`` latents that stand for all there are: float32, ``count`` x ``size``.

    The second half mirrors the first, so that the mean is zero (antithetic variates: Hammersley, Morton 1956, "A new
    Monte Carlo technique"); where there are twice as many as they have numbers, these are uncorrelated too, and as
    spread as in the prior. What is averaged over few of them is then nearer to what all would come to.
    """
    half = latents(0, -(-count // 2), size, seed=seed, stream=stream, prior=prior)
    if len(half) >= size:
        spread = 1.0 if prior == "normal" else 3**-0.5
        left, _, right = torch.linalg.svd(half.double(), full_matrices=False)  # the nearest ones with equal spreads
        half = ((left @ right) * (spread * len(half) ** 0.5)).float()
    return torch.cat([half, -half])[:count]


def latents_of_seeds(seeds: Sequence[int], size: int, prior: Prior = "normal") -> Latents:
    """One latent for each seed, the same whatever its neighbours: float32, ``len(seeds)`` x ``size``."""
    if not seeds:
        return torch.empty(0, size)
    return torch.cat([latents(seed, 1, size, seed=0, stream="sample", prior=prior) for seed in seeds])


def slerp(start: Latents, end: Latents, share: float | torch.Tensor) -> Latents:
    """The point at ``share`` (0 … 1; n x 1: one for each row) along the great circle from ``start`` to ``end``.

    Straight lines between normal latents pass through the nearly empty middle (Shoemake 1985; White 2016).
    """
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=1).clamp(-1, 1)[:, None]
    angle = torch.arccos(cosine)
    straight = (1 - share) * start + share * end
    bent = (torch.sin((1 - share) * angle) * start + torch.sin(share * angle) * end) / torch.sin(angle)
    return torch.where(torch.sin(angle).abs() < 1e-6, straight, bent)


def _shape(raw: np.ndarray, prior: Prior) -> np.ndarray:
    """64-bit words → draws of the prior, one each (rows stay rows; the number of columns is even)."""
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53  # strictly between 0 and 1
    if prior == "uniform":
        return 2 * uniform - 1
    radius = np.sqrt(-2 * np.log(uniform[:, 0::2]))  # Box and Muller (1958)
    angle = 2 * np.pi * uniform[:, 1::2]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
