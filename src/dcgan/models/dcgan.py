"""The 2015 pair at any size: Radford, Metz, Chintala 2015 (arXiv 1511.06434), figure 1 and section 3.

An image of height x width is a base of 4 to 7 pixels (the shorter side), doubled once a stage: 64 x 64 is 4 x 4 after
four doublings, 48 x 80 is 6 x 10 after three. Channels halve as the size doubles and stay at eight times the width
beyond the third stage.

This implementation differs from the paper in that
 * any such size and any number of channels will do, the published 64 x 64 x 3 being one of them;
 * the discriminator ends in a score, its sigmoid being part of the loss, and may have a bias in its first layer;
 * labels, when there are any, join the latent one-hot, and the discriminator adds a projection of its last features
   (Miyato, Koyama 2018, "cGANs with projection discriminator", arXiv 1802.05637, equation 3).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from dcgan.models.convolutions import TransposedConvolution
from dcgan.models.layers import DiscriminatorBlock, GeneratorBlock, ProjectionBlock, with_classes
from dcgan.tensors import Images, Labels, Latents, Scores


class Generator(nn.Module):
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
        norm_momentum: float = 0.1,
    ) -> None:
        """``base``: height and width before the first doubling; the images are 2 ** ``num_stages`` times as large."""
        super().__init__()
        self.num_classes = num_classes
        channels = [channels_at(stage, width) for stage in reversed(range(num_stages))]
        first = ProjectionBlock(latent_size + num_classes, channels[0], base, norm_momentum)
        doubling = (GeneratorBlock(before, after, norm_momentum=norm_momentum) for before, after in pairwise(channels))
        self.blocks = nn.Sequential(first, *doubling)
        self.to_image = TransposedConvolution(channels[-1], image_channels, 4, 2, 1, bias=False)

    def forward(self, latents: Latents, labels: Labels | None = None) -> Images:
        """Training normalises by this batch and moves the running statistics; inference uses those."""
        latents = with_classes(latents, labels, self.num_classes)
        features = self.blocks(latents)  #             n, width, height / 2, width / 2
        return torch.tanh(self.to_image(features))  #  n, channels, height, width


class Discriminator(nn.Module):
    """Images become scores: the mirror of the generator."""

    def __init__(
        self,
        base: tuple[int, int],
        num_stages: int,
        *,
        image_channels: int = 3,
        width: int = 64,
        num_classes: int = 0,
        negative_slope: float = 0.2,
        norm: bool = True,
        norm_first: bool = False,
        bias: bool = False,
    ) -> None:
        """``base``: height and width after the last halving. ``norm_first``: normalise the first layer too.

        ``bias``: in the first layer. With normalisation and without a bias, scores stay the same when all images of a
        batch are multiplied by one positive number: the contrast of its images is then nothing a generator can learn.
        """
        super().__init__()
        channels = [image_channels, *(channels_at(stage, width) for stage in range(num_stages))]
        self.blocks = nn.Sequential(
            *(
                DiscriminatorBlock(
                    before,
                    after,
                    negative_slope=negative_slope,
                    norm=norm and (norm_first or index > 0),
                    bias=bias and index == 0,
                )
                for index, (before, after) in enumerate(pairwise(channels))
            )
        )
        self.to_score = nn.Linear(base[0] * base[1] * channels[-1], 1, bias=False)
        self.class_features = nn.Embedding(num_classes, channels[-1]) if num_classes else None

    def forward(self, images: Images, labels: Labels | None = None) -> Scores:
        """Training normalises by this batch: real and fake images must come in separate calls."""
        features: Tensor = self.blocks(images)  #                                        n, 8 width, base
        scores: Tensor = self.to_score(features.permute(0, 2, 3, 1).flatten(1)).flatten()  #  n
        if self.class_features is not None:
            assert labels is not None, "this discriminator was trained with labels"
            scores = scores + (self.class_features(labels) * features.sum(dim=(2, 3))).sum(dim=1)
        return scores


def channels_at(stage: int, width: int) -> int:
    """Channels so many halvings after the outermost hidden layer: its width, doubled each time up to eight times."""
    return int(width * min(2**stage, 8))
