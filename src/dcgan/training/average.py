"""The moving average of the generator, whose images are better and steadier than any single step's.

Yazıcı et al. 2019, "The unusual effectiveness of averaging in GAN training" (arXiv 1806.04498). The half-life is
counted in images and never more than a share of those seen, so that the first weights are forgotten.
"""

import copy
from typing import TypeVar

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


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    return dict(network.named_parameters()) | dict(network.named_buffers())
