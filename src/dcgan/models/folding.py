"""The layers next to the image on a GPU: its three colours become sixteen channels of half the height and width.

Tensor cores want channels by the eight. An image has three, and the library's kernels for a convolution of three
channels reach 13 of 780 TFLOP/s on an H200. A block of 2 x 2 pixels, with an empty colour added to make their number
even, is one position of 16 channels; kernel 4, stride 2, padding 1 on pixels is kernel 2, stride 1, no padding on
blocks of the padded image. The weights are the same ones in another order, and an empty colour meets zeros: results
differ by rounding alone. What it brings is in docs/speed.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

KERNEL, STRIDE, PADDING = (4, 4), (2, 2), (1, 1)
MOST_COLOURS = 4
FEWEST_PIXELS = 2**17  # of a batch: below, the few more kernels to start cost as much as they save


def folds(layer: nn.Conv2d | nn.ConvTranspose2d, colours: int, pixels: int, device: torch.device) -> bool:
    """Whether anything is gained, for a batch of images with so many pixels in all."""
    return (
        device.type == "cuda"
        and colours <= MOST_COLOURS
        and pixels >= FEWEST_PIXELS
        and (layer.kernel_size, layer.stride, layer.padding) == (KERNEL, STRIDE, PADDING)
    )


def halved_in_blocks(large: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """N, fine, 2 h, 2 w by weights coarse, fine, 4, 4 → n, coarse, h, w: ``F.conv2d(…, stride=2, padding=1)``."""
    large, weight = _as_computed(large), _as_computed(weight)
    count, fine, height, width = large.shape
    pixels = F.pad(large.permute(0, 2, 3, 1), (0, fine % 2, *PADDING, *PADDING))
    blocks = pixels.reshape(count, height // 2 + 1, 2, width // 2 + 1, 2, -1).transpose(2, 3).flatten(3)
    return F.conv2d(blocks.permute(0, 3, 1, 2), _of_blocks(weight), bias)


def doubled_in_blocks(small: Tensor, weight: Tensor) -> Tensor:
    """N, coarse, h, w by weights coarse, fine, 4, 4 → n, fine, 2 h, 2 w: the transpose of the other."""
    small, weight = _as_computed(small), _as_computed(weight)
    (count, _, height, width), fine = small.shape, weight.shape[1]
    blocks = F.conv_transpose2d(small, _of_blocks(weight)).permute(0, 2, 3, 1)  # n, h + 1, w + 1, 2 x 2 x colours
    pixels = blocks.reshape(count, height + 1, width + 1, 2, 2, -1).transpose(2, 3)
    pixels = pixels.reshape(count, 2 * height + 2, 2 * width + 2, -1)
    return pixels[:, 1:-1, 1:-1, :fine].contiguous().permute(0, 3, 1, 2)


def _of_blocks(weight: Tensor) -> Tensor:
    """Coarse, fine, 4, 4 → coarse, 4 fine, 2, 2: of each block of 2 x 2 pixels, row, column, colour."""
    weight = F.pad(weight, (0, 0, 0, 0, 0, weight.shape[1] % 2))
    return weight.reshape(*weight.shape[:2], 2, 2, 2, 2).permute(0, 3, 5, 1, 2, 4).flatten(1, 3)


def _as_computed(tensor: Tensor) -> Tensor:
    """In the type that the convolution will have, before it is copied around."""
    kind = tensor.device.type
    return tensor.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tensor
