"""The tensors that travel: what each holds, its shape and its range; and how an array becomes one.

The names tell the reader of a signature what a function takes and returns. Where such a tensor is born it passes
through the function of its name, which asserts the shape and the type that the name promises.
n images, h rows, w columns, c channels, z latent numbers, d features.
"""

from typing import Annotated

import numpy as np
import torch
from torch import Tensor

Pixels = Annotated[Tensor, "n c h w, uint8 (or uint16), 0 … the type's maximum"]
Images = Annotated[Tensor, "n c h w, float, -1 … 1"]
Latents = Annotated[Tensor, "n z, float, standard normal or uniform(-1, 1)"]
Labels = Annotated[Tensor, "n, int64, class numbers from 0"]
Scores = Annotated[Tensor, "n, float, unbounded: higher looks more real; never a probability"]
Features = Annotated[Tensor, "n d, float"]


def as_pixels(tensor: Tensor) -> Pixels:
    """The tensor, which must be of n c h w whole numbers of 8 or 16 bits."""
    assert tensor.ndim == 4 and tensor.dtype in (torch.uint8, torch.uint16), (tensor.shape, tensor.dtype)
    return tensor


def as_images(tensor: Tensor) -> Images:
    """The tensor, which must be of n c h w floating-point numbers."""
    assert tensor.ndim == 4 and tensor.is_floating_point(), (tensor.shape, tensor.dtype)
    return tensor


def as_latents(tensor: Tensor) -> Latents:
    """The tensor, which must be of n z floating-point numbers."""
    assert tensor.ndim == 2 and tensor.is_floating_point(), (tensor.shape, tensor.dtype)
    return tensor


def as_labels(tensor: Tensor) -> Labels:
    """The tensor, which must be of n 64-bit whole numbers."""
    assert tensor.ndim == 1 and tensor.dtype == torch.int64, (tensor.shape, tensor.dtype)
    return tensor


def as_scores(tensor: Tensor, count: int) -> Scores:
    """The tensor, which must be of one floating-point number for each of ``count`` images."""
    assert tensor.shape == (count,) and tensor.is_floating_point(), (tensor.shape, tensor.dtype, count)
    return tensor


def as_features(tensor: Tensor, count: int) -> Features:
    """The tensor, which must be of one row of floating-point numbers for each of ``count`` images."""
    assert tensor.ndim == 2 and len(tensor) == count and tensor.is_floating_point(), (tensor.shape, tensor.dtype, count)
    return tensor


def aligned(array: np.ndarray) -> Tensor:
    """A copy of the array in memory of PyTorch's own, which begins at a multiple of 64 bytes.

    Arrays begin at multiples of 16 bytes, at other ones in each process. Matrix libraries add up in another order when
    an array begins elsewhere, so that the same product of the same numbers may differ in its last bit.
    """
    dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
    tensor = torch.empty(array.shape, dtype=dtype)
    tensor.numpy()[...] = array
    return tensor
