"""The five tensors that travel: what each holds, its shape and its range.

The names cost nothing at run time; they tell the reader of a signature what he is handed.
n images, h rows, w columns, c channels, z latent numbers, d features.
"""

from typing import Annotated

from torch import Tensor

Pixels = Annotated[Tensor, "n c h w, uint8 (or uint16), 0 … the type's maximum"]
Images = Annotated[Tensor, "n c h w, float, -1 … 1"]
Latents = Annotated[Tensor, "n z, float, standard normal or uniform(-1, 1)"]
Labels = Annotated[Tensor, "n, int64, class numbers from 0"]
Scores = Annotated[Tensor, "n, float, unbounded: higher looks more real; never a probability"]
Features = Annotated[Tensor, "n d, float"]
