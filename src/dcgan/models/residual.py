"""The bigger pair, for budgets of an hour and more: residual blocks without normalisation, resized by interpolation.

After Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline" (R3GAN, arXiv 2501.05441), section
3: no normalisation, interpolation instead of strides, leaky ReLU in both networks, and weights that start each block
as the identity (Zhang, Dauphin, Ma 2019, "Fixup initialization", arXiv 1901.09321). This implementation differs in that
 * a block has two 3 x 3 convolutions, not the grouped bottleneck, which is slow on a processor;
 * resizing is bilinear upwards and a mean of four pixels downwards;
 * the generator ends without tanh: what lies outside -1 … 1 is cut off in inference only, so that training sees its
   gradient;
 * labels join the latent one-hot, and the discriminator adds a projection, as in the 2015 pair.
"""

import math
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.models.dcgan import channels_at
from dcgan.models.layers import with_classes
from dcgan.tensors import Images, Labels, Latents, Scores

SLOPE = 0.2


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, both at the finer of the two sizes."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.last = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        """N, in, h, w → n, out, h, w."""
        change = self.last(F.leaky_relu(self.first(F.leaky_relu(features, SLOPE)), SLOPE))
        result: Tensor = self.shortcut(features) + change
        return result


class ResidualGenerator(nn.Module):
    """Latents become images."""

    def __init__(
        self,
        base: tuple[int, int],
        num_stages: int,
        *,
        image_channels: int = 3,
        width: int = 64,
        latent_size: int = 100,
        num_classes: int = 0,
    ) -> None:
        """``base``: height and width before the first doubling; the images are 2 ** ``num_stages`` times as large."""
        super().__init__()
        self.num_classes = num_classes
        channels = [channels_at(level, width) for level in reversed(range(num_stages + 1))]
        self.shape = (*base, channels[0])
        self.product = nn.Linear(latent_size + num_classes, math.prod(self.shape))
        self.blocks = nn.ModuleList(ResidualBlock(before, after) for before, after in pairwise(channels))
        self.enlarge = nn.Upsample(scale_factor=2, mode="bilinear")
        self.to_image = nn.Conv2d(channels[-1], image_channels, 3, padding=1)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """In training the images may leave -1 … 1."""
        latents = with_classes(latents, labels, self.num_classes)
        features = self.product(latents).unflatten(1, self.shape).permute(0, 3, 1, 2)
        for block in self.blocks:
            features = block(self.enlarge(features))
        images: Images = self.to_image(F.leaky_relu(features, SLOPE))
        return images if self.training else images.clamp(-1, 1)


class ResidualDiscriminator(nn.Module):
    """Images become scores: the mirror of the generator."""

    def __init__(
        self,
        base: tuple[int, int],
        num_stages: int,
        *,
        image_channels: int = 3,
        width: int = 64,
        num_classes: int = 0,
    ) -> None:
        """``base``: height and width after the last halving."""
        super().__init__()
        channels = [channels_at(level, width) for level in range(num_stages + 1)]
        self.from_image = nn.Conv2d(image_channels, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(ResidualBlock(before, after) for before, after in pairwise(channels))
        self.to_score = nn.Linear(base[0] * base[1] * channels[-1], 1)
        self.class_features = nn.Embedding(num_classes, channels[-1]) if num_classes else None

    def forward(self, images: Images, labels: Labels | None = None) -> Scores:
        """Each image by itself."""
        features = self.from_image(images)
        for block in self.blocks:
            features = F.avg_pool2d(block(features), 2)
        features = F.leaky_relu(features, SLOPE)  #                                             n, 8 width, base
        scores: Tensor = self.to_score(features.permute(0, 2, 3, 1).flatten(1)).flatten()  #    n
        if self.class_features is not None:
            assert labels is not None, "this discriminator was trained with labels"
            scores = scores + (self.class_features(labels) * features.mean(dim=(2, 3))).sum(dim=1)
        return scores


def first_deviation(path: str, parameter: Tensor) -> float:
    """Standard deviation of a first weight: variance is kept through each layer, and blocks start as their shortcut.

    He et al. 2015 (arXiv 1502.01852), equation 14, for leaky ReLU.
    """
    *_, layer, kind = path.split(".")
    if kind == "bias" or layer == "last":
        return 0.0
    fan_in = parameter[0].numel()
    rectified = layer in ("first", "to_image", "to_score")
    return math.sqrt((2 / (1 + SLOPE**2) if rectified else 1.0) / fan_in)
