"""A generator as arrays: its few layers in order, with batch normalisation folded into the weights before it.

Inference normalises a channel by fixed numbers: (x - mean) / sqrt(variance + eps) * gain + bias. That is one factor
and one summand a channel, so the layer before can apply both. The folding is computed in float64.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from dcgan.models.build import AnyGenerator
from dcgan.models.dcgan import Generator
from dcgan.models.layers import GeneratorBlock, ProjectionBlock
from dcgan.models.residual import ResidualBlock, ResidualGenerator


@dataclass(frozen=True)
class Affine:
    """A layer: weights and one bias for each of its outputs, both float32."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class PlainBlock:
    """Two 3 x 3 convolutions (out, in, 3, 3) beside a shortcut, a 1 x 1 convolution or, if None, the identity."""

    first: Affine
    last: Affine
    shortcut: Affine | None


@dataclass(frozen=True)
class PlainDcgan:
    """The layers of the 2015 generator: product, ReLU, doublings with ReLU between them, tanh at the end.

    ``product``: (c h w) x (latent size + classes), for features of ``base`` (c, h, w).
    ``doublings``: transposed convolutions with kernel 4, stride 2, padding 1: in, out, 4, 4; the last makes the image.
    """

    base: tuple[int, int, int]
    product: Affine
    doublings: tuple[Affine, ...]


@dataclass(frozen=True)
class PlainResidual:
    """The layers of the residual generator; see ``dcgan.models.residual`` for what happens between them.

    ``product``: (c h w) x (latent size + classes), for features of ``base`` (c, h, w).
    ``blocks``: one after each bilinear doubling. ``to_image``: a convolution, out, in, 3, 3.
    """

    base: tuple[int, int, int]
    product: Affine
    blocks: tuple[PlainBlock, ...]
    to_image: Affine


def plain_layers(generator: AnyGenerator) -> PlainDcgan | PlainResidual:
    """The layers of a generator in inference mode."""
    if isinstance(generator, ResidualGenerator):
        base = (generator.shape[2], *generator.shape[:2])
        blocks = tuple(_block(cast(ResidualBlock, block)) for block in generator.blocks)
        product = _channels_first(generator.product.weight, generator.product.bias, base)
        return PlainResidual(base, product, blocks, _affine(generator.to_image))
    assert isinstance(generator, Generator), type(generator)
    first = cast(ProjectionBlock, generator.blocks[0])
    doublings = cast(list[GeneratorBlock], list(generator.blocks)[1:])
    height, width, channels = first.shape
    base = (channels, height, width)
    factor, summand = _factor_and_summand(first.norm)
    positions = height * width
    product = _channels_first(
        first.product.weight.double() * factor.repeat(positions)[:, None], summand.repeat(positions), base
    )
    folded = [_doubling(block.convolution.weight, *_factor_and_summand(block.norm)) for block in doublings]
    colours = generator.to_image.out_channels
    return PlainDcgan(base, product, (*folded, _doubling(generator.to_image.weight, *_nothing(colours))))


def _channels_first(weight: Tensor, bias: Tensor, base: tuple[int, int, int]) -> Affine:
    """A product whose rows are h w c becomes one whose rows are c h w."""
    channels, height, width = base
    order = torch.arange(height * width * channels).view(height, width, channels).permute(2, 0, 1).flatten()
    return Affine(_array(weight[order]), _array(bias[order]))


def _doubling(weight: Tensor, factor: Tensor, summand: Tensor) -> Affine:
    """A transposed convolution with what follows it folded in."""
    return Affine(_array(weight.double() * factor[None, :, None, None]), _array(summand))


def _factor_and_summand(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """What inference does to each channel."""
    assert norm.running_mean is not None and norm.running_var is not None
    factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return factor, norm.bias.double() - norm.running_mean.double() * factor


def _nothing(channels: int) -> tuple[Tensor, Tensor]:
    return torch.ones(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)


def _block(block: ResidualBlock) -> PlainBlock:
    shortcut = _affine(block.shortcut) if isinstance(block.shortcut, nn.Conv2d) else None
    return PlainBlock(_affine(block.first), _affine(block.last), shortcut)


def _affine(layer: nn.Conv2d) -> Affine:
    assert layer.bias is not None
    return Affine(_array(layer.weight), _array(layer.bias))


def _array(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().cpu().float().numpy())
