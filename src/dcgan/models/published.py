"""The generator of the code published with the paper, as it draws: 5 x 5 kernels, normalisation by frozen statistics.

Newmu/dcgan_code, ``gen`` in faces/train_uncond_dcgan.py. It differs from figure 1 of the paper and from
``dcgan.models.dcgan`` in its kernels, and in that the first layer normalises every number by itself, not every channel.
Its normalisation is part of the weights here, so that nothing can train it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.models.dcgan import channels_at
from dcgan.tensors import Images, Labels, Latents

KERNEL = 5
BASE = 4  # height and width of what the first layer makes
EPSILON = 1e-8  # of their normalisation
STRIDE, PADDING, OUTPUT_PADDING = 2, 2, 1


class Projection(nn.Module):
    """Matrix product and ReLU: a latent becomes an image of the base size."""

    def __init__(self, latent_size: int, channels: int, base: tuple[int, int]) -> None:
        super().__init__()
        self.shape = (channels, *base)
        self.product = nn.Linear(latent_size, channels * base[0] * base[1])

    def forward(self, latents: Latents) -> Tensor:
        """N, z → n, channels, base."""
        features: Tensor = F.relu(self.product(latents))
        return features.view(-1, *self.shape)


class PublishedGenerator(nn.Module):
    """Latents become images."""

    def __init__(
        self,
        base: tuple[int, int],
        num_stages: int,
        *,
        image_channels: int,
        width: int,
        latent_size: int,
        num_classes: int,
    ) -> None:
        """``base``: height and width before the first doubling; the images are 2 ** ``num_stages`` times as large."""
        super().__init__()
        assert not num_classes, num_classes
        self.num_classes = 0
        channels = [channels_at(stage, width) for stage in reversed(range(num_stages))]
        doubling = (
            nn.Sequential(OrderedDict(convolution=_doubling(before, after), activation=nn.ReLU()))
            for before, after in pairwise(channels)
        )
        self.blocks = nn.Sequential(Projection(latent_size, channels[0], base), *doubling)
        self.to_image = _doubling(channels[-1], image_channels, bias=False)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Each latent by itself."""
        return torch.tanh(self.to_image(self.blocks(latents)))


def _doubling(before: int, after: int, *, bias: bool = True) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, KERNEL, STRIDE, PADDING, OUTPUT_PADDING, bias=bias)


def folded(parameters: Sequence[Tensor], batches: Iterable[Latents]) -> dict[str, Tensor]:
    """The weights of a ``PublishedGenerator`` from the arrays of the published code, in its order.

    The order is product, gain, bias; for each doubling kernel, gain, bias; last kernel. Statistics are the means over
    ``batches`` of what each batch has when it is normalised by itself.
    """
    parts = [part.double() for part in parameters]
    product, *middle, last = parts
    kernels = [product, *middle[2::3]]
    gains, biases = middle[0::3], middle[1::3]
    seen = [_statistics(kernels, gains, biases, batch.double()) for batch in batches]
    weights: dict[str, Tensor] = {"to_image.weight": _turned(last)}
    for number, kernel in enumerate(kernels):
        means, variances = (torch.stack([each[number][which] for each in seen]).mean(dim=0) for which in (0, 1))
        factor = gains[number] / (variances + EPSILON).sqrt()
        name = f"blocks.{number}.{'convolution' if number else 'product'}"
        weights[f"{name}.weight"] = _turned(kernel) * factor[:, None, None] if number else kernel.T * factor[:, None]
        weights[f"{name}.bias"] = biases[number] - means * factor
    return {name: weight.float().contiguous() for name, weight in weights.items()}


def _statistics(
    kernels: Sequence[Tensor], gains: Sequence[Tensor], biases: Sequence[Tensor], latents: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Mean and variance before each gain, each layer normalised by this batch."""
    found, hidden = [], latents
    for number, kernel in enumerate(kernels):
        hidden = (
            F.conv_transpose2d(hidden, _turned(kernel), None, STRIDE, PADDING, OUTPUT_PADDING)
            if number
            else hidden @ kernel
        )
        dims = (0, 2, 3) if number else (0,)
        variance, mean = torch.var_mean(hidden, dims, correction=0, keepdim=True)
        found.append((mean.flatten(), variance.flatten()))
        shape = (1, -1, 1, 1) if number else (1, -1)
        standard = (hidden - mean) / (variance + EPSILON).sqrt()
        hidden = F.relu(standard * gains[number].view(shape) + biases[number].view(shape))
        if not number:
            hidden = hidden.view(len(hidden), -1, BASE, BASE)
    return found


def _turned(kernel: Tensor) -> Tensor:
    """Their library turns kernels by half a circle before it convolves."""
    return kernel.flip(2, 3)
