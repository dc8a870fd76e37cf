"""Batch normalisation's statistics for inference, estimated anew with the weights as they are.

The running ones are a memory of the generators of the last few steps, whose weights may have been far from these.
Brock, Donahue, Simonyan 2019, "Large scale GAN training for high fidelity natural image synthesis" (arXiv 1809.11096)
call them standing statistics.
"""

import copy
from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import nn

from dcgan.tensors import Labels, Latents

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def reestimated(generator: Network, batches: Iterable[tuple[Latents, Labels | None]]) -> Network:
    """A copy in inference mode, whose statistics are the means over these batches, each normalised by itself.

    At least one batch, each of the size that was trained with; a network without normalisation is merely copied.
    """
    anew = copy.deepcopy(generator).train()
    norms = [module for module in anew.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean of all batches so far
    for latents, labels in batches if norms else ():
        anew(latents, labels)
    assert all(norm.num_batches_tracked for norm in norms), "no batches"
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return anew.eval()
