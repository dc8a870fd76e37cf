"""The tensors that travel: what each holds, its shape and its range; and how an array becomes one.

The names cost nothing at run time; they tell the reader of a signature what a function takes and returns.
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


def aligned(array: np.ndarray) -> Tensor:
    """A copy of the array in memory of PyTorch's own, which begins at a multiple of 64 bytes.

    Arrays begin at multiples of 16 bytes, at other ones in each process. Matrix libraries add up in another order when
    an array begins elsewhere, so that the same product of the same numbers may differ in its last bit.
    """
    dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
    tensor = torch.empty(array.shape, dtype=dtype)
    tensor.numpy()[...] = array
    return tensor
