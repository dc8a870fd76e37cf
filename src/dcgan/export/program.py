"""A network becomes a list of operations on maps, as the page's own runtime (web/network.js) reads them.

``places`` is a fully connected layer whose outputs are a map, or with ``local`` one whose every place has weights of
its own; ``transposed`` (kernel 4, stride 2, padding 1) and ``convolution`` keep or change the size; ``enlarge``,
``halve`` and ``activate`` have no weights. Each operation reads one map and writes another, both by number; ``adds``
writes on top of what is there. ``slope`` is that of the activation below zero.
"""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from dcgan.export.plain_layers import Affine, PlainBlock, PlainDcgan, PlainResidual
from dcgan.models.build import AnyDiscriminator
from dcgan.models.layers import DiscriminatorBlock
from dcgan.models.residual import SLOPE, ResidualBlock, ResidualDiscriminator

STRAIGHT, RECTIFIED = 1.0, 0.0  # slopes below zero: the identity, and ReLU


@dataclass(frozen=True)
class Rows:
    """A layer's weights: a row for each output (columns: kernel row, kernel column, input), and a bias for each row."""

    weight: np.ndarray
    bias: np.ndarray


@dataclass
class Program:
    """The operations of one network; the list ``rows`` may be shared by the networks of one file."""

    inputs: dict[str, int]
    rows: list[Rows]
    operations: list[dict[str, Any]] = field(default_factory=list)
    current: int = 0
    maps: int = 1

    def add(self, kind: str, *, source: int | None = None, to: int | None = None, **details: Any) -> int:
        """Append an operation, from the current map to a new one unless told otherwise; the number of the result."""
        source = self.current if source is None else source
        if to is None:
            to, self.maps = self.maps, self.maps + 1
        self.operations.append({"kind": kind, "from": source, "to": to, **details})
        self.current = to
        return to

    def multiply(self, kind: str, weight: np.ndarray, bias: np.ndarray | None = None, **details: Any) -> int:
        """Append an operation that has weights, one row for each output."""
        bias = np.zeros(len(weight)) if bias is None else bias
        self.rows.append(Rows(weight.astype(np.float32), bias.astype(np.float32)))
        return self.add(kind, tensor=len(self.rows) - 1, **details)

    def convolve(self, layer: Affine, *, slope: float = STRAIGHT, **details: Any) -> int:
        """Append a convolution that keeps the size."""
        kernel, channels = layer.weight.shape[-1], len(layer.weight)
        weight = layer.weight.transpose(0, 2, 3, 1).reshape(channels, -1)
        return self.multiply(
            "convolution", weight, layer.bias, kernel=kernel, channels=channels, slope=slope, **details
        )

    def to_json(self) -> dict[str, Any]:
        """What the runtime reads."""
        return {"inputs": self.inputs, "operations": self.operations}


def generator_program(layers: PlainDcgan | PlainResidual, rows: list[Rows]) -> Program:
    """Latents, with the class one-hot behind them, become an image: before tanh, if there is one."""
    channels, height, width = layers.base
    program = Program({"height": 1, "width": 1, "channels": layers.product.weight.shape[1]}, rows)
    order = np.arange(channels * height * width).reshape(layers.base).transpose(1, 2, 0).ravel()
    slope = STRAIGHT if isinstance(layers, PlainResidual) else RECTIFIED
    sizes = {"height": height, "width": width, "channels": channels}
    program.multiply("places", layers.product.weight[order], layers.product.bias[order], slope=slope, **sizes)
    if isinstance(layers, PlainResidual):
        for block in layers.blocks:
            program.add("enlarge")
            _residual_block(block, program)
        program.add("activate", slope=SLOPE)
        program.convolve(layers.to_image)
        return program
    for number, layer in enumerate(layers.doublings, start=1):
        weight = layer.weight.transpose(1, 2, 3, 0)
        slope, channels = STRAIGHT if number == len(layers.doublings) else RECTIFIED, len(weight)
        weight = weight.reshape(channels, -1)
        program.multiply("transposed", weight, layer.bias, kernel=4, channels=channels, slope=slope)
    return program


@torch.no_grad()
def discriminator_program(
    discriminator: AnyDiscriminator, size: tuple[int, int], rows: list[Rows]
) -> tuple[Program, float]:
    """An image of ``size`` becomes what each place of the last map adds to its score; and the score without them.

    The first channel of the result is the same for every class; one for each class follows.
    """
    halvings = len(discriminator.blocks)
    if isinstance(discriminator, ResidualDiscriminator):
        program = _residual_discriminator(discriminator, size, rows)
    else:
        blocks = cast(list[DiscriminatorBlock], list(discriminator.blocks))
        inputs = {"height": size[0], "width": size[1], "channels": blocks[0].convolution.in_channels}
        program = Program(inputs, rows)
        for block in blocks:
            program.convolve(_normalised(block), stride=2, slope=block.activation.negative_slope)
    _score(discriminator, program, (size[0] >> halvings, size[1] >> halvings))
    bias: Tensor | None = discriminator.to_score.bias
    return program, 0.0 if bias is None else float(bias)


def _residual_discriminator(discriminator: ResidualDiscriminator, size: tuple[int, int], rows: list[Rows]) -> Program:
    first = discriminator.from_image
    program = Program({"height": size[0], "width": size[1], "channels": first.in_channels}, rows)
    program.convolve(_affine(first))
    for block in cast(list[ResidualBlock], list(discriminator.blocks)):
        shortcut = _affine(block.shortcut) if isinstance(block.shortcut, nn.Conv2d) else None
        _residual_block(PlainBlock(_affine(block.first), _affine(block.last), shortcut), program)
        program.add("halve")
    program.add("activate", slope=SLOPE)
    return program


def _residual_block(block: PlainBlock, program: Program) -> None:
    source = program.current
    program.add("activate", slope=SLOPE)
    changed = program.convolve(block.first, slope=SLOPE)
    if block.shortcut is not None:
        source = program.convolve(block.shortcut, source=source)
    program.convolve(block.last, source=changed, to=source, adds=True)


def _normalised(block: DiscriminatorBlock) -> Affine:
    """A convolution of the discriminator with the normalisation behind it folded in."""
    layer, norm = block.convolution, block.norm
    weight = layer.weight.double()
    bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.double()
    if isinstance(norm, nn.BatchNorm2d):
        assert norm.running_mean is not None and norm.running_var is not None
        factor = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
        weight = weight * factor[:, None, None, None]
        bias = (bias - norm.running_mean.double()) * factor + norm.bias.double()
    return Affine(weight.numpy(), bias.numpy())


def _score(discriminator: AnyDiscriminator, program: Program, size: tuple[int, int]) -> None:
    """The last layer: the weights of the score at each place, then those of each class."""
    height, width = size
    parts = [discriminator.to_score.weight.reshape(height * width, 1, -1)]
    if discriminator.class_features is not None:
        residual = isinstance(discriminator, ResidualDiscriminator)
        share = height * width if residual else 1  # the mean over all places, or their sum
        parts.append((discriminator.class_features.weight / share).expand(height * width, -1, -1))
    weight = torch.cat(parts, dim=1)
    channels = weight.shape[1]
    sizes = {"height": height, "width": width, "channels": channels}
    program.multiply("places", weight.flatten(0, 1).numpy(), None, local=True, slope=STRAIGHT, **sizes)


def _affine(layer: nn.Conv2d) -> Affine:
    assert layer.bias is not None, layer
    return Affine(layer.weight.detach().numpy(), layer.bias.detach().numpy())
