"""The chapter's four transforms, from a decoded image to the numbers that the networks see."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dcgan.textbook.absent import refuse_other_names

__all__ = ["Compose", "Normalize", "Resize", "ToTensor"]


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """Apply all."""
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return f"Compose({', '.join(repr(transform) for transform in self.transforms)})"


class Resize:
    """Bring an image to (height, width), or its shorter side to one length; Pillow's antialiased bilinear filter."""

    def __init__(self, size: int | Sequence[int]) -> None:
        sides = [size] if isinstance(size, int) else list(size)
        if len(sides) not in (1, 2) or not all(isinstance(side, int) and side > 0 for side in sides):
            raise ValueError(f"Resize({size!r}): expected one length or (height, width), in whole pixels.")
        self.size = sides

    def __call__(self, img: Image.Image) -> Image.Image:
        """Return the image at its new size."""
        return img.resize(self._new_size(img.width, img.height), Image.Resampling.BILINEAR)

    def _new_size(self, width: int, height: int) -> tuple[int, int]:
        if len(self.size) == 2:
            return self.size[1], self.size[0]
        side = self.size[0]
        longer = int(side * max(width, height) / min(width, height))
        return (side, longer) if width <= height else (longer, side)

    def __repr__(self) -> str:
        return f"Resize({self.size})"


class ToTensor:
    """An image becomes float32, c h w, 0 … 1."""

    def __call__(self, pic: Image.Image) -> Tensor:
        """Return the image's numbers."""
        if not isinstance(pic, Image.Image) or pic.mode not in ("L", "RGB", "RGBA", "LA", "CMYK", "P"):
            raise TypeError(f"ToTensor: expected a Pillow image of 8 bits a channel, got {pic!r:.100}.")
        pixels = np.array(pic, dtype=np.uint8).reshape(pic.height, pic.width, -1)
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().to(torch.float32).div(255)

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """Subtract the mean and divide by the standard deviation, one number or one for each channel."""

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean, self.std = mean, std
        if not torch.as_tensor(std).all():
            raise ValueError(f"Normalize: std is {std}; it must not be zero.")

    def __call__(self, tensor: Tensor) -> Tensor:
        """Return the numbers shifted and scaled, channel by channel."""
        return (tensor - _for_channels(self.mean, tensor)) / _for_channels(self.std, tensor)

    def __repr__(self) -> str:
        return f"Normalize({self.mean}, {self.std})"


def _for_channels(numbers: float | Sequence[float], like: Tensor) -> Tensor:
    return torch.as_tensor(numbers, dtype=like.dtype, device=like.device).reshape(-1, 1, 1)


__getattr__ = refuse_other_names("torchvision.transforms")
