"""The second detector: random filters that nothing was trained on, and thumbnails.

An image is brought to 48 x 48 and halved twice. At each of the three sizes 24 random filters of 7 x 7 x 3 numbers,
drawn once from Philox, each summing to zero in each channel, look at it. How strongly they answer (the mean of their
absolute values) and how unevenly over the image (its standard deviation over a 3 x 3 grid) are features; so are
4 x 4 means of each channel. Coarse answers are stronger than fine ones: a gain for each size, set once on the built-in
creatures, lets all groups of features spread about as much.

In the family of filter-bank texture models (Heeger and Bergen 1995) and of scattering (Bruna and Mallat 2013): no
learning, no weights file, and nothing in common with ``tiny`` but the pixels.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from dcgan import randomness
from dcgan.evaluation.detectors.network import resize
from dcgan.tensors import Features, Images

RESIZE = "48x48 bilinear, antialiased"
RULE = f"second 1: {RESIZE}, 3 scales, 24 filters of 7x7, mean and unevenness of |answers|, 4x4 thumbnail"
_SIZE, _NUM_FILTERS, _FILTER_SIZE = 48, 24, 7
_GAINS = (8.0, 5.0, 3.0)  # of the three sizes, finest first


class RandomFilters(nn.Module):
    """Images (n 3 h w) → features (n 192): 3 scales of 24 strengths and 24 unevennesses, 48 thumbnail values."""

    filters: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", _filters())

    def forward(self, images: Images) -> Features:
        """Images of any size, −1 … 1."""
        images = resize(images, _SIZE)
        features = [F.adaptive_avg_pool2d(images, 4).flatten(1)]
        for gain in _GAINS:
            answers = gain * F.adaptive_avg_pool2d(F.conv2d(images, self.filters).abs(), 3).flatten(2)
            features += [answers.mean(2), answers.std(2, correction=0)]
            images = F.avg_pool2d(images, 2)
        return torch.cat(features, dim=1)


def _filters() -> torch.Tensor:
    """24 3 7 7, normal, smooth towards their edges, of unit length, blind to a flat colour."""
    numbers = 3 * _FILTER_SIZE**2
    block = randomness.latents(0, _NUM_FILTERS, numbers, seed=0, stream="second detector").double()
    filters: torch.Tensor = block.reshape(_NUM_FILTERS, 3, _FILTER_SIZE, _FILTER_SIZE)
    hann = torch.from_numpy(np.hanning(_FILTER_SIZE + 2)[1:-1])
    window = torch.outer(hann, hann)
    filters = filters * window
    filters = filters - window * (filters.sum((2, 3), keepdim=True) / window.sum())
    length = filters.square().sum((1, 2, 3), keepdim=True).sqrt()
    return (filters / length).float()
