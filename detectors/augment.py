"""What the images go through before ``tiny`` sees them in training: views of all kinds, and known damage.

All of it works on float images n c h w between 0 and 1.
"""

import io
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

Uniform = Callable[..., Tensor]

SIZES = (16, 24, 28, 32, 48, 64, 64, 96, 128)
DAMAGES = ("blur", "noise", "jpeg", "colour", "pixelation", "contrast")


def view(images: Tensor, size: int, *, flips: bool, generator: torch.Generator) -> Tensor:
    """Turned, scaled, shifted, mirrored, recoloured, at another size: three channels."""
    count = len(images)

    uniform = partial(_uniform, generator, count)
    angle, scale = uniform(-0.2, 0.2), torch.exp(uniform(-0.25, 0.2))
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0) if flips else torch.ones(count)
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    shift = uniform(-0.12, 0.12, 2)
    matrix = torch.stack([cosine * mirror, -sine, shift[:, 0], sine * mirror, cosine, shift[:, 1]], 1).reshape(-1, 2, 3)
    grid = F.affine_grid(matrix, [count, 1, *images.shape[2:]], align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    images = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True).clamp(0, 1)
    return _cut_out(_recoloured(images.expand(-1, 3, -1, -1), uniform), uniform)


def _uniform(generator: torch.Generator, count: int, low: float, high: float, *shape: int) -> Tensor:
    """A draw for each image, between ``low`` and ``high``: count x shape."""
    return torch.rand(count, *shape, generator=generator) * (high - low) + low


def _recoloured(images: Tensor, uniform: Uniform) -> Tensor:
    """A fifth grey, a fifth with black and white exchanged, grey ones tinted, all a little lighter or darker."""
    grey = images.mean(1, keepdim=True)
    colours = torch.where(uniform(0, 1, 1, 1, 1) < 0.2, grey, images)
    was_grey = (images.amax(1) - images.amin(1)).amax((1, 2))[:, None, None, None] < 0.02
    dark, light = uniform(0, 0.5, 3, 1, 1), uniform(0.5, 1, 3, 1, 1)
    tinted = was_grey & (uniform(0, 1, 1, 1, 1) < 0.4)
    colours = torch.where(tinted, dark + (light - dark) * grey, colours)
    colours = torch.where(uniform(0, 1, 1, 1, 1) < 0.2, 1 - colours, colours)
    return (colours * uniform(0.85, 1.1, 1, 1, 1) + uniform(-0.05, 0.1, 1, 1, 1)).clamp(0, 1)


def _cut_out(images: Tensor, uniform: Uniform) -> Tensor:
    """A third lose a rectangle of a quarter of their sides, filled with one colour."""
    size = images.shape[-1]
    place = torch.arange(size) / size
    left, top = uniform(0, 0.75, 1), uniform(0, 0.75, 1)
    inside = ((place >= top) & (place < top + 0.25))[:, :, None] & ((place >= left) & (place < left + 0.25))[:, None, :]
    chosen = inside[:, None] & (uniform(0, 1, 1, 1, 1) < 0.33)
    return torch.where(chosen, uniform(0, 1, 3, 1, 1), images)


def damage(images: Tensor, kind: str, strength: float, generator: torch.Generator) -> Tensor:
    """One of ``DAMAGES``, of a strength between 0 (none) and 1."""
    size = images.shape[-1]
    if kind == "blur":
        return blurred(images, strength * 0.05 * size)
    if kind == "noise":
        return (images + 0.35 * strength * torch.randn(images.shape, generator=generator)).clamp(0, 1)
    if kind == "jpeg":
        return _jpeg(images, quality=round(90 - 85 * strength))
    if kind == "colour":
        turn = 2 * math.pi * float(torch.rand((), generator=generator))
        offset = torch.tensor([math.cos(turn + third * 2 * math.pi / 3) for third in range(3)])
        return (images + 0.4 * strength * offset[:, None, None]).clamp(0, 1)
    if kind == "pixelation":
        coarse = max(4, round(size / (1 + 5 * strength)))
        return F.interpolate(F.interpolate(images, size=(coarse, coarse), mode="area"), size=(size, size))
    return (images - 0.5) * (1 - 0.8 * strength) + 0.5


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Gaussian, ``sigma`` in pixels."""
    reach = max(1, math.ceil(3 * sigma))
    if sigma < 1e-3 or reach >= images.shape[-1]:
        return images
    line = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma**2))
    line = (line / line.sum()).expand(images.shape[1], 1, 1, -1)
    wide = F.pad(images, (reach, reach, reach, reach), mode="reflect")
    across = F.conv2d(wide, line, groups=images.shape[1])
    return F.conv2d(across, line.transpose(2, 3), groups=images.shape[1])


def _jpeg(images: Tensor, quality: int) -> Tensor:
    rows = []
    for row in (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy():
        buffer = io.BytesIO()
        Image.fromarray(row).save(buffer, format="JPEG", quality=quality)
        rows.append(np.asarray(Image.open(buffer)))
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float() / 255
