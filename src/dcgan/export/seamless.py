"""Images that continue themselves: what a layer sees beyond one border is what lies at the opposite one.

Jetchev, Bergmann, Vollgraf 2016, "Texture synthesis with spatial generative adversarial networks" (arXiv 1611.08207),
make textures that tile with a latent for each place. Here the latent is one for the whole image, as it was trained:
the first layer knows nothing of the wrapping, so that only textures without a layout come out well.
"""

import copy

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.runs.generator import TrainedGenerator


class Wrapped(nn.Module):
    """A layer that doubles a map, as on a torus: one row and column from the opposite side join it on each side."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, features: Tensor) -> Tensor:
        """N, in, h, w → n, out, 2 h, 2 w."""
        result: Tensor = self.layer(F.pad(features, (1, 1, 1, 1), mode="circular"))
        return result[:, :, 2:-2, 2:-2]

    @property
    def weight(self) -> Tensor | nn.Module:
        """Of the layer."""
        return self.layer.weight


def seamless(generator: TrainedGenerator) -> TrainedGenerator:
    """The same generator with every layer but the first on a torus."""
    network = copy.deepcopy(generator.generator)
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ConvTranspose2d | nn.Upsample) and not isinstance(module, Wrapped):
                setattr(module, name, Wrapped(child))
            elif isinstance(child, nn.Conv2d) and child.kernel_size != (1, 1):
                child.padding_mode = "circular"
    bits = 8 * generator.dtype.itemsize
    return TrainedGenerator(
        network, generator.config, class_names=generator.class_names, bits=bits, path=generator.path
    )


def seam(images: np.ndarray) -> float:
    """The step across the seams of tiled images (n h w c), as a multiple of the usual step between neighbours.

    1: nobody can tell where an image ends.
    """
    pixels = images.astype(np.float64)
    across = [np.abs(pixels[:, 0] - pixels[:, -1]).mean(), np.abs(pixels[:, :, 0] - pixels[:, :, -1]).mean()]
    inside = [np.abs(np.diff(pixels, axis=axis)).mean() for axis in (1, 2)]
    return float(sum(across) / max(sum(inside), 1e-9))
