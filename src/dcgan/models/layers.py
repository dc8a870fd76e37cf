"""The two blocks that both networks are made of, and the arithmetic of their sizes.

Radford, Metz, Chintala 2015, "Unsupervised representation learning with deep convolutional generative adversarial
networks" (arXiv 1511.06434), section 3: strides instead of pooling, batch normalisation, ReLU in the generator and
leaky ReLU in the discriminator, no fully connected hidden layers.
"""

import torch
from torch import Tensor, nn

from dcgan.models.convolutions import Convolution, TransposedConvolution
from dcgan.tensors import Labels, Latents

Size = int | tuple[int, int]


def enlarged(size: int, kernel: int = 4, stride: int = 2, padding: int = 1) -> int:
    """Side length after a transposed convolution: kernel + stride x (size - 1) - 2 x padding. By default, double."""
    return kernel + stride * (size - 1) - 2 * padding


def reduced(size: int, kernel: int = 4, stride: int = 2, padding: int = 1) -> int:
    """Side length after a convolution: floor((size - kernel + 2 x padding + stride) / stride). By default, half."""
    return (size - kernel + 2 * padding + stride) // stride


def with_classes(latents: Latents, labels: Labels | None, num_classes: int) -> Tensor:
    """The latents, each with its class behind it, one-hot: n, z + ``num_classes``.

    ``labels`` may be shares of all classes instead, n x ``num_classes``: they are taken as they are.
    """
    if not num_classes:
        return latents
    assert labels is not None, "this generator was trained with labels"
    if labels.ndim == 2:
        return torch.cat([latents, labels.to(latents.dtype)], dim=1)
    classes = torch.arange(num_classes, device=labels.device)  # one_hot would wait for the device
    return torch.cat([latents, (labels[:, None] == classes).to(latents.dtype)], dim=1)


class ProjectionBlock(nn.Module):
    """Matrix product, batch normalisation, ReLU: a latent becomes an image of the base size.

    The paper's "project and reshape". It is the transposed convolution of a 1 x 1 image with a kernel as large as the
    result, ten times faster on a processor.
    """

    def __init__(self, in_numbers: int, out_channels: int, base: tuple[int, int], norm_momentum: float = 0.1) -> None:
        super().__init__()
        self.shape = (*base, out_channels)  # channels last, so that the product comes out as it is needed
        self.product = nn.Linear(in_numbers, base[0] * base[1] * out_channels, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, momentum=norm_momentum)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, latents: Tensor) -> Tensor:
        """N, in → n, out, base. Training normalises by the batch, inference by the running statistics."""
        features = self.product(latents).unflatten(1, self.shape).permute(0, 3, 1, 2)
        result: Tensor = self.activation(self.norm(features))
        return result


class GeneratorBlock(nn.Module):
    """Transposed convolution, batch normalisation, ReLU: fewer channels, twice the height and width."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: Size = 4,
        stride: int = 2,
        padding: int = 1,
        norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        self.convolution = TransposedConvolution(in_channels, out_channels, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, momentum=norm_momentum)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """N, in, h, w → n, out, 2 h, 2 w. Training normalises by the batch, inference by the running statistics."""
        result: Tensor = self.activation(self.norm(self.convolution(features)))
        return result


class DiscriminatorBlock(nn.Module):
    """Convolution, batch normalisation, leaky ReLU: more channels, half the height and width."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: Size = 4,
        stride: int = 2,
        padding: int = 1,
        negative_slope: float = 0.2,
        norm: bool = True,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.convolution = Convolution(in_channels, out_channels, kernel, stride, padding, bias=bias)
        self.norm = nn.BatchNorm2d(out_channels) if norm else nn.Identity()
        self.activation = nn.LeakyReLU(negative_slope, inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """N, in, h, w → n, out, h / 2, w / 2. Training normalises by the batch, inference by the running statistics."""
        result: Tensor = self.activation(self.norm(self.convolution(features)))
        return result
