"""Reads PPM and PGM whose numbers do not end at 255, which Pillow does slowly, or with fewer bits."""

import numpy as np
from PIL.PpmImagePlugin import PpmImageFile

from dcgan.data.decoding.strips import strips
from dcgan.data.sources.items import Unreadable

MOST_WORDS = 1_000_000  # numbers written as text, which Pillow reads one by one in Python: a few seconds


def is_unusual(image: PpmImageFile) -> bool:
    """Whether the numbers of the file end elsewhere than at 255."""
    return image.mode == "I" or _codec(image) == "ppm"


def check(image: PpmImageFile) -> None:
    """Refuse a long text, and one that Pillow would cut to 8 bits.

    Raises:
        Unreadable: It is one of these.
    """
    if _codec(image) == "ppm_plain":
        if image.width * image.height * len(image.getbands()) > MOST_WORDS:
            raise Unreadable(f"over {MOST_WORDS:,} numbers written as text; save it as PNG")
        if image.mode == "RGB" and _most(image) > 255:
            raise Unreadable("over 8 bits a colour written as text; save it as PNG or TIFF")


def read(image: PpmImageFile, content: bytes) -> np.ndarray:
    """The numbers h w c of an unusual file, spread over 0 … 255, or over 0 … 65535 if they go beyond 255."""
    if _codec(image) == "ppm_plain":
        image.load()
        return np.asarray(image).astype(np.uint16)[:, :, None]
    most, shape = _most(image), (image.height, image.width, 3 if image.mode == "RGB" else 1)
    stored, count = np.dtype(">u2" if most > 255 else np.uint8), int(np.prod(shape))
    if len(content) - image.tile[0].offset < count * stored.itemsize:
        raise Unreadable("cut off before its end")
    numbers = np.frombuffer(content, stored, count, image.tile[0].offset).reshape(shape)
    pixels = np.empty(shape, np.uint16 if most > 255 else np.uint8)
    white = np.iinfo(pixels.dtype).max
    for rows in strips(image.width, image.height):
        pixels[rows] = (np.minimum(numbers[rows], most).astype(np.uint32) * white + most // 2) // most
    return pixels


def _codec(image: PpmImageFile) -> str:
    return image.tile[0].codec_name if image.tile else ""


def _most(image: PpmImageFile) -> int:
    """The number that stands for white; Pillow leaves it out where it can copy 16 bits as they are."""
    arguments = image.tile[0].args
    return int(arguments[-1]) if isinstance(arguments, tuple) else 65535
