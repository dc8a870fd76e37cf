"""The network of ``tiny``, the detector that ships with the package: seven convolutions, trained by ``detectors/``.

An image is brought to 48 x 48. The means over the image of the second, the fourth and the last layer are the
features: 32 that see texture, 64 that see parts, 128 that see things; each scaled to mean 0 and variance 1 over the
training images, so that no layer outweighs the others.
"""

import torch
from torch import nn

from dcgan.evaluation.detectors.network import resize
from dcgan.tensors import Features, Images

SIZE = 48
RESIZE = f"{SIZE}x{SIZE} bilinear, antialiased"
RULE = f"tiny 1: {RESIZE}, means of three layers"
LAYERS = (
    (3, 24, 4, 2),
    (24, 32, 3, 1),
    (32, 64, 3, 2),
    (64, 64, 3, 1),
    (64, 128, 3, 2),
    (128, 128, 3, 1),
    (128, 128, 3, 2),
)
"""In channels, out channels, filter size, stride."""
TAPS = (1, 3, 6)
NUM_FEATURES = sum(LAYERS[tap][1] for tap in TAPS)


class Tiny(nn.Module):
    """Images (n 3 h w) → features (n 224)."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(*layer, padding=1) for layer in LAYERS)
        self.register_buffer("mean", torch.zeros(NUM_FEATURES))
        self.register_buffer("deviation", torch.ones(NUM_FEATURES))

    def forward(self, images: Images) -> Features:
        """Images of any size, −1 … 1."""
        maps, features = resize(images, SIZE), []
        for index, convolution in enumerate(self.convolutions):
            maps = torch.relu(convolution(maps))
            if index in TAPS:
                features.append(maps.mean((2, 3)))
        return (torch.cat(features, dim=1) - self.mean) / self.deviation
