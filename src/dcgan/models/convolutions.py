"""Convolutions whose weight gradients on small maps are matrix products.

The gradient of a convolution's weights is the product of the output's gradient with the patches of the input that each
output saw: (channels out, n x h x w) times (n x h x w, kernel x kernel x channels in). On a processor in bfloat16,
gathering the patches and multiplying is 1.2 to 2.2 times as fast as the library's own gradient when maps are at most
8 x 8, and slower when they are larger, or in float32 (docs/experiments.md). Results differ by rounding alone.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

Pair = tuple[int, int]

LARGEST_MAP = 64  # positions of the smaller of a layer's two maps


class Convolution(nn.Conv2d):
    """As ``nn.Conv2d``: same weights, same function."""

    def forward(self, input: Tensor) -> Tensor:
        """N, in, h, w → n, out, h / stride, w / stride."""
        positions = input.shape[2] * input.shape[3] // (self.stride[0] * self.stride[1])
        if not _as_products(self, input, positions):
            return super().forward(input)
        operands = input.bfloat16(), self.weight.bfloat16()
        result: Tensor = _Convolve.apply(*operands, self.stride, self.padding)  # type: ignore[no-untyped-call]
        return result


class TransposedConvolution(nn.ConvTranspose2d):
    """As ``nn.ConvTranspose2d``: same weights, same function."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """N, in, h, w → n, out, stride x h, stride x w."""
        if output_size is not None or not _as_products(self, input, input.shape[2] * input.shape[3]):
            return super().forward(input, output_size)
        operands = input.bfloat16(), self.weight.bfloat16()
        result: Tensor = _ConvolveTransposed.apply(*operands, self.stride, self.padding)  # type: ignore[no-untyped-call]
        return result


def _as_products(layer: nn.Conv2d | nn.ConvTranspose2d, features: Tensor, positions: int) -> bool:
    return (
        positions <= LARGEST_MAP
        and not torch.compiler.is_compiling()
        and features.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and torch.is_grad_enabled()
        and layer.weight.requires_grad
        and layer.bias is None
    )


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(features, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        features, weight = ctx.saved_tensors
        of_weight = _product(gradient, patches(features, weight.shape[2:], ctx.stride, ctx.padding), weight)
        of_features = None
        if ctx.needs_input_grad[0]:
            of_features = conv2d_input(  # type: ignore[no-untyped-call]
                features.shape, weight, gradient, ctx.stride, ctx.padding
            )
        return of_features, of_weight, None, None


class _ConvolveTransposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv_transpose2d(features, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        features, weight = ctx.saved_tensors
        of_weight = _product(features, patches(gradient, weight.shape[2:], ctx.stride, ctx.padding), weight)
        of_features = F.conv2d(gradient, weight, None, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        return of_features, of_weight, None, None


def patches(features: Tensor, kernel: torch.Size, stride: Pair, padding: Pair) -> Tensor:
    """What each position of the smaller map sees of the larger: n, h, w, kernel height, kernel width, channels."""
    rows, columns = padding
    padded = F.pad(features.permute(0, 2, 3, 1), (0, 0, columns, columns, rows, rows))
    seen = padded.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])
    return seen.permute(0, 1, 2, 4, 5, 3).contiguous()  # whole rows of channels are copied at once


def _product(smaller: Tensor, seen: Tensor, weight: Tensor) -> Tensor:
    """The weight's gradient (first channels, second channels, kernel), channels last as the weight is."""
    rows = smaller.permute(0, 2, 3, 1).reshape(-1, weight.shape[0])
    flat = rows.t() @ seen.view(len(rows), -1)
    return flat.view(weight.shape[0], *weight.shape[2:], weight.shape[1]).permute(0, 3, 1, 2)
