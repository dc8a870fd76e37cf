"""uint8 ↔ [-1, 1], PNG and grids: the only place of these conversions."""

import io

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dcgan.data.decoding.png import SHEET
from dcgan.tensors import Images, Pixels, as_images, as_pixels


def to_images(pixels: Pixels) -> Images:
    """0 … the type's maximum → -1 … 1, float32."""
    return as_images(as_pixels(pixels).to(torch.float32) / (torch.iinfo(pixels.dtype).max / 2) - 1)


def to_pixels(images: Images, dtype: torch.dtype = torch.uint8) -> Pixels:
    """-1 … 1 → 0 … the type's maximum, rounded; what lies outside is clamped."""
    white = torch.iinfo(dtype).max
    return as_pixels(((as_images(images).float() + 1) * (white / 2)).round().clamp(0, white).to(dtype))


def grey_levels(some: np.ndarray, others: np.ndarray) -> float:
    """The largest difference of two arrays of pixels, or of two of images (-1 … 1), in grey levels of 255."""
    whole = np.issubdtype(some.dtype, np.integer)
    span = int(np.iinfo(some.dtype).max) if whole else 2
    difference = np.abs(some.astype(np.float64) - others.astype(np.float64))
    return float(difference.max(initial=0)) * 255 / span


def grid(pixels: np.ndarray, columns: int, *, gap: int = 2) -> np.ndarray:
    """Lay n images of h w c (uint8) out row by row, ``gap`` pixels apart, on white: one image."""
    count, height, width, channels = pixels.shape
    rows = -(-count // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, channels)
    sheet = np.full(shape, 255, dtype=np.uint8)
    if channels == 4:
        sheet[:, :, 3] = 0
    for index, picture in enumerate(pixels):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def viewable(pixels: np.ndarray) -> np.ndarray:
    """Any n h w c, uint8 or uint16 → uint8 with 1, 3 or 4 channels, to be looked at.

    16 bits lose their lower eight; of two, or of more than four channels, the first is shown.
    """
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    return pixels if pixels.shape[-1] in (1, 3, 4) else pixels[..., :1]


def as_picture(picture: np.ndarray) -> Image.Image:
    """One image h w c (uint8; 1, 3 or 4 channels, or 1 channel of uint16) as Pillow has it."""
    return Image.fromarray(picture[:, :, 0] if picture.shape[-1] == 1 else picture)


def png(picture: np.ndarray, *, sheet: bool = False) -> bytes:
    """One image h w c (uint8; 1, 3 or 4 channels, or 1 channel of uint16) → the bytes of a PNG file.

    ``sheet``: it shows many images, and is marked, so that nobody learns from it later.
    """
    buffer, texts = io.BytesIO(), PngInfo()
    if sheet:
        texts.add_text(*SHEET)
    as_picture(picture).save(buffer, format="PNG", pnginfo=texts)
    return buffer.getvalue()
