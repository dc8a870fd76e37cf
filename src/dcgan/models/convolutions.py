"""The layers that halve and double a map, on small maps as matrix products where a processor is faster so.

Both layers are one linear map between a large map and the small one of half its size, kernel 4, stride 2, padding 1:
``halved`` from large to small, its transpose ``doubled`` back, and the gradient of the weights, which is bilinear in
the two. Each is a product of gathered patches with a matrix of weights. On a processor in bfloat16 the gradient of the
weights is 1.2 to 2.2 times as fast so as by the library when the small map is at most 8 x 8, and where there are
matrix units (AMX) up to 6 times; there the other two are up to 2.5 times as fast on maps of 4 x 4. Elsewhere, and in
float32, the library is faster (docs/experiments). Results differ by rounding alone. On a GPU the layers next to
the image are computed in blocks (folding.py).
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.models.folding import KERNEL, PADDING, STRIDE, doubled_in_blocks, folds, halved_in_blocks

LARGEST_MAP = 64  # positions of the small map up to which the weights' gradient is a product,
LARGEST_WHOLE = 16  # and up to which all is, given matrix units


class Convolution(nn.Conv2d):
    """As ``nn.Conv2d``: same weights, same function."""

    def forward(self, input: Tensor) -> Tensor:
        """N, in, h, w → n, out, h / stride, w / stride."""
        if any(side % 2 for side in input.shape[2:]):
            return super().forward(input)
        if folds(self, self.in_channels, input[:, 0].numel(), input.device):
            return halved_in_blocks(input, self.weight, self.bias)
        if not _as_products(self, input, input[0, 0].numel() // 4):
            return super().forward(input)
        result: Tensor = _Halve.apply(input.bfloat16(), self.weight.bfloat16())  # type: ignore[no-untyped-call]
        return result


class TransposedConvolution(nn.ConvTranspose2d):
    """As ``nn.ConvTranspose2d``: same weights, same function."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """N, in, h, w → n, out, stride x h, stride x w."""
        if self.bias is None and folds(self, self.out_channels, 4 * input[:, 0].numel(), input.device):
            return doubled_in_blocks(input, self.weight)
        if output_size is not None or not _as_products(self, input, input[0, 0].numel()):
            return super().forward(input, output_size)
        result: Tensor = _Double.apply(input.bfloat16(), self.weight.bfloat16())  # type: ignore[no-untyped-call]
        return result


def transposed(layer: Convolution, small: Tensor) -> Tensor:
    """The transpose of the layer, by its own weights: n, out, h, w → n, in, stride x h, stride x w; no bias."""
    if folds(layer, layer.in_channels, 4 * small[:, 0].numel(), small.device):
        return doubled_in_blocks(small, layer.weight)
    assert not isinstance(layer.padding, str), layer.padding
    return F.conv_transpose2d(small, layer.weight, stride=layer.stride, padding=layer.padding)


def _as_products(layer: nn.Conv2d | nn.ConvTranspose2d, features: Tensor, positions: int) -> bool:
    """Whether anything is gained, for a small map of so many positions."""
    if torch.compiler.is_compiling():
        return False
    learns = torch.is_grad_enabled() and layer.weight.requires_grad
    return (
        positions <= (LARGEST_MAP if learns else LARGEST_WHOLE * has_matrix_units())
        and features.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and (layer.kernel_size, layer.stride, layer.padding) == (KERNEL, STRIDE, PADDING)
        and layer.bias is None
    )


@cache
def has_matrix_units() -> bool:
    """Whether the processor multiplies matrices of bfloat16 as such."""
    return bool(torch.cpu._is_amx_tile_supported())


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, large: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(large, weight)
        return halved(large, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        large, weight = ctx.saved_tensors
        of_large = doubled(gradient, weight) if ctx.needs_input_grad[0] else None
        return of_large, weight_gradient(large, gradient, weight) if ctx.needs_input_grad[1] else None


class _Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, small: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(small, weight)
        return doubled(small, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        small, weight = ctx.saved_tensors
        of_small = halved(gradient, weight) if ctx.needs_input_grad[0] else None
        return of_small, weight_gradient(gradient, small, weight) if ctx.needs_input_grad[1] else None


def halved(large: Tensor, weight: Tensor) -> Tensor:
    """N, fine, 2 h, 2 w by weights coarse, fine, 4, 4 → n, coarse, h, w."""
    count, _, height, width = large.shape
    if not _is_whole(height * width // 4):
        return F.conv2d(large, weight, None, STRIDE, PADDING)
    small = patches(large) @ weight.permute(0, 2, 3, 1).flatten(1).t()
    whole = small.view(count, height // 2, width // 2, -1).permute(0, 3, 1, 2)
    return whole.clone()  # no view: without normalisation the activation behind it happens in place


def doubled(small: Tensor, weight: Tensor) -> Tensor:
    """N, coarse, h, w by weights coarse, fine, 4, 4 → n, fine, 2 h, 2 w.

    Each window of 2 x 2 positions of the small map, bordered by zeros, makes a block of 2 x 2 of the large one, half a
    block off its corner: rows 2 i - 1 and 2 i come of rows i - 1 and i, through kernel rows 2 and 3, and 0 and 1.
    """
    count, coarse, height, width = small.shape
    if not _is_whole(height * width):
        return F.conv_transpose2d(small, weight, None, STRIDE, PADDING)
    fine = weight.shape[1]
    padded = F.pad(small.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    windows = padded.unfold(1, 2, 1).unfold(2, 2, 1).permute(0, 1, 2, 4, 5, 3).reshape(-1, 4 * coarse)
    kernels = weight.roll((2, 2), (2, 3)).view(coarse, fine, 2, 2, 2, 2).permute(2, 4, 0, 3, 5, 1)
    blocks = (windows @ kernels.reshape(4 * coarse, 4 * fine)).view(count, height + 1, width + 1, 2, 2, fine)
    whole = blocks.transpose(2, 3).reshape(count, 2 * height + 2, 2 * width + 2, fine)
    return whole[:, 1:-1, 1:-1].contiguous().permute(0, 3, 1, 2)


def weight_gradient(large: Tensor, small: Tensor, like: Tensor) -> Tensor:
    """Of weights coarse, fine, 4, 4: what their ``halved`` of the large map, times the small one, changes by them."""
    flat = small.permute(0, 2, 3, 1).flatten(0, 2).t() @ patches(large)
    return flat.view(len(like), *KERNEL, -1).permute(0, 3, 1, 2)


def patches(large: Tensor) -> Tensor:
    """What each position of the small map sees of the large one, fine, 2 h, 2 w: n h w, 4 x 4 x fine."""
    padded = F.pad(large.permute(0, 2, 3, 1), (0, 0, *PADDING, *PADDING))
    seen = padded.unfold(1, KERNEL[0], STRIDE[0]).unfold(2, KERNEL[1], STRIDE[1])
    return seen.permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(0, 2)  # whole rows of channels are copied at once


def _is_whole(positions: int) -> bool:
    return positions <= LARGEST_WHOLE and has_matrix_units()
