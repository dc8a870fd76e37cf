"""Features of a discriminator: what it had to learn about images, as numbers that a simple classifier can use.

Radford, Metz, Chintala 2015 (arXiv 1511.06434), section 5: every convolution's maps, max-pooled to 4 x 4, side by side.
As in the code published with the paper, maps are taken after their activation, and batch normalisation uses statistics
that are the means over batches of 128 training images, frozen before the classifier is fitted. This implementation
differs in that a residual block counts as one layer.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.data.pixels import to_images
from dcgan.models.build import AnyDiscriminator
from dcgan.models.residual import SLOPE, ResidualDiscriminator
from dcgan.models.statistics import reestimated
from dcgan.tensors import Features, Images, Labels, Pixels

BATCH = 128
POOLED = 4  # height and width of each map


class FeatureMaps(nn.Module):
    """Images become the maps of all layers of a discriminator, pooled and side by side."""

    def __init__(self, discriminator: AnyDiscriminator) -> None:
        super().__init__()
        self.discriminator = discriminator

    def forward(self, images: Images, labels: Labels | None = None) -> Features:
        """N c h w → n d. Labels change nothing: classes join after the last layer."""
        pooled = [F.adaptive_max_pool2d(maps, POOLED).flatten(1) for maps in _layers(self.discriminator, images)]
        return torch.cat(pooled, dim=1)


def _layers(discriminator: AnyDiscriminator, images: Images) -> Iterator[Tensor]:
    """The maps of each layer after its activation."""
    if isinstance(discriminator, ResidualDiscriminator):
        features = discriminator.from_image(images)
        for block in discriminator.blocks:
            features = block(features)
            yield F.leaky_relu(features, SLOPE)
            features = F.avg_pool2d(features, 2)
        return
    features = images
    for block in discriminator.blocks:
        features = block(features)
        yield features


def frozen(discriminator: AnyDiscriminator, pixels: Pixels) -> FeatureMaps:
    """The maps of this discriminator, normalised by statistics of these training images, in whole batches."""
    count = max(1, len(pixels) // BATCH) * BATCH
    return reestimated(
        FeatureMaps(discriminator), ((to_images(part), None) for part in torch.split(pixels[:count], BATCH))
    )


@torch.inference_mode()
def features_of(maps: FeatureMaps, pixels: Pixels) -> Features:
    """Pixels n c h w → n d, float32."""
    return torch.cat([maps(to_images(part)) for part in torch.split(pixels, BATCH)])
