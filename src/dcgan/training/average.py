"""The moving average of the generator, whose images are better and steadier than any single step's.

Yazıcı et al. 2019, "The unusual effectiveness of averaging in GAN training" (arXiv 1806.04498). The half-life is
counted in images and never more than a share of those seen, so that the first weights are forgotten.

Or the average has the profile of a power of time (Karras et al. 2024, "Analyzing and improving the training dynamics
of diffusion models", arXiv 2312.02696, section 3.1), whose length is a share of the run, however long that is.
"""

import copy
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def average_of(network: Network) -> Network:
    """A copy to hold the average: inference mode, no gradients."""
    return copy.deepcopy(network).eval().requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, kept: float | Tensor) -> None:
    """Average ← kept x average + (1 - kept) x network; float buffers like parameters, integers copied.

    ``kept`` may be a scalar on the device, so that a captured step can be replayed with another.
    """
    ours, theirs = _tensors(average), _tensors(network)
    assert ours.keys() == theirs.keys(), ours.keys() ^ theirs.keys()
    floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
    old, new = [ours[name] for name in floats], [theirs[name] for name in floats]
    if isinstance(kept, Tensor):
        torch._foreach_mul_(old, kept)
        torch._foreach_add_(old, torch._foreach_mul(new, 1 - kept))
    else:
        torch._foreach_lerp_(old, new, 1 - kept)
    for name in ours.keys() - set(floats):
        ours[name].copy_(theirs[name])


def decay(images: int, *, images_seen: int, half_life: int, warmup: float) -> float:
    """Weight that the old average keeps over ``images`` more: 1/2 after ``half_life``, or ``warmup`` of those seen."""
    half_life_now = min(half_life, warmup * images_seen)
    return 0.0 if half_life_now == 0 else float(0.5 ** (images / half_life_now))


def power_decay(images: int, *, images_seen: int, width: float) -> float:
    """Weight that the old average keeps over ``images`` more, ``images_seen`` with them: (1 - n / t) ** (gamma + 1).

    The generator of t images then weighs as t ** gamma. ``width`` is the standard deviation of that profile, as a
    share of the run (equations 123 to 127 there): 0.05 … 0.1.
    """
    return float((1 - images / images_seen) ** (power_of_width(width) + 1))


@cache
def power_of_width(width: float) -> float:
    """The gamma whose profile on 0 … 1 has this standard deviation: the positive root of a cubic."""
    # width ** 2 = (gamma + 1) / ((gamma + 2) ** 2 (gamma + 3))
    tightness = width**-2
    roots = np.roots([1, 7, 16 - tightness, 12 - tightness])
    return float(roots.real.max())


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return dict(network.named_parameters()) | dict(network.named_buffers())
