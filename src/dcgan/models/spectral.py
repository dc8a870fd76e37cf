"""Spectral normalisation: every layer of a discriminator stretches by 1 at most.

Miyato et al. 2018, "Spectral normalization for generative adversarial networks" (arXiv 1802.05957), algorithm 1. The
largest singular value of each weight, as a matrix with a row for each output, comes from power iteration. This
implementation differs in that it iterates once in each turn of the discriminator, and ``WARM_UP`` times at the start,
instead of in every pass: the generator's turn sees the weights that the discriminator's ended with.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from dcgan.randomness import latents

WARM_UP = 20  # iterations on the first weights
SUFFIX = ".parametrizations.weight.original"  # of the names that torch gives to normalised weights


class SpectralNorm(nn.Module):
    """A weight → the weight over its largest singular value."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.register_buffer("left", torch.full((rows,), rows**-0.5))
        self.register_buffer("right", torch.full((columns,), columns**-0.5))
        self.left: Tensor
        self.right: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        """In float32 at least, whatever the convolutions are; the singular vectors are taken as they stand."""
        with torch.autocast(weight.device.type, enabled=False):
            # Copies, since the next iteration changes them while a backward pass may still want these.
            largest = self.left.clone() @ weight.flatten(1) @ self.right.clone()
            return weight / largest

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        """One step of the power iteration."""
        matrix = weight.flatten(1)
        self.right.copy_(normalize(matrix.T @ self.left, dim=0))
        self.left.copy_(normalize(matrix @ self.right, dim=0))


def normalise_spectrally(network: nn.Module) -> None:
    """Put every weight of every layer that multiplies under spectral normalisation, in place."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
            parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))


def iterate(network: nn.Module) -> None:
    """One step of the power iteration for each normalised weight; nothing where there is none."""
    for layer in network.modules():
        if parametrize.is_parametrized(layer, "weight"):
            weight = layer.parametrizations.weight  # type: ignore[union-attr]
            weight[0].iterate(weight.original)  # type: ignore[index,union-attr]


@torch.no_grad()
def start_iteration(network: nn.Module, name: str, *, seed: int) -> None:
    """Random singular vectors, each a function of the seed and of its own name, then ``WARM_UP`` iterations."""
    for path, module in network.named_modules():
        if isinstance(module, SpectralNorm):
            drawn = latents(0, 1, module.left.numel(), seed=seed, stream=f"initial/{name}/{path}")[0]
            module.left.copy_(normalize(drawn, dim=0))
    for _ in range(WARM_UP):
        iterate(network)
