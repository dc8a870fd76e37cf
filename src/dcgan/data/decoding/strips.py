"""Goes through an image strip by strip, so that what lies between Pillow's image and ours stays small."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

STRIP_PIXELS = 250_000


def by_strips(image: Image.Image, part_of: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    """The parts h w c of all strips, one below the other."""
    whole = np.empty(0)
    for rows, strip in cut(image):
        part = part_of(strip)
        if rows.start == 0:
            whole = np.empty((image.height, *part.shape[1:]), part.dtype)
        whole[rows] = part
    return whole


def cut(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """The rows of each strip, and the strip."""
    return ((rows, image.crop((0, rows.start, image.width, rows.stop))) for rows in strips(*image.size))


def strips(width: int, height: int) -> Iterator[slice]:
    """The rows of each strip."""
    count = max(1, STRIP_PIXELS // width)
    return (slice(top, min(top + count, height)) for top in range(0, height, count))


def with_key(pixels: np.ndarray, key: object) -> np.ndarray:
    """Add an alpha channel that is zero wherever the pixel has the colour that the file declares transparent."""
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    if key is None or isinstance(key, bytes) or pixels.shape[2] in (2, 4):
        return pixels
    maximum = np.iinfo(pixels.dtype).max
    opaque = (pixels != np.atleast_1d(np.asarray(key, dtype=np.int64))).any(axis=2, keepdims=True)
    return np.concatenate([pixels, (opaque * maximum).astype(pixels.dtype)], axis=2)
