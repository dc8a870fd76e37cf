"""``dcgan.show``: arrays of images as one picture, which a notebook displays by itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcgan.data.pixels import grid, png, to_pixels, viewable
from dcgan.errors import UserError
from dcgan.files import write_atomically


@dataclass(frozen=True)
class Picture:
    """A PNG that shows itself as the last value of a notebook's cell."""

    content: bytes

    def _repr_png_(self) -> bytes:
        return self.content

    def save(self, path: str | Path) -> Path:
        """Write it as a file.

        Raises:
            UserError: The file cannot be written.
        """
        write_atomically(Path(path), self.content)
        return Path(path)


def show(images: Any, columns: int = 10) -> Picture:
    """Lay images out as one picture.

    Args:
        images: One image or several, as tensor or array: whole numbers from 0, or floating point from -1 to 1; channels
            first or last, 1, 3 or 4 of them.
        columns: Images in a row.

    Raises:
        UserError: No images.
    """
    tensor = torch.as_tensor(np.asarray(images) if not isinstance(images, torch.Tensor) else images).detach().cpu()
    if tensor.dim() == 2:
        tensor = tensor[None]
    if tensor.dim() == 3:
        tensor = tensor[None]
    if tensor.dim() != 4 or not len(tensor):
        raise UserError(f"dcgan.show: expected images as n c h w or n h w c, got {tuple(tensor.shape)}.")
    if tensor.shape[1] not in (1, 3, 4) and tensor.shape[3] in (1, 3, 4):
        tensor = tensor.permute(0, 3, 1, 2)
    pixels = to_pixels(tensor) if tensor.is_floating_point() else tensor
    if pixels.dtype not in (torch.uint8, torch.uint16):
        pixels = pixels.clamp(0, 255).to(torch.uint8)
    pictures = viewable(pixels.permute(0, 2, 3, 1).numpy())
    return Picture(png(grid(pictures, min(columns, len(pictures)))))
