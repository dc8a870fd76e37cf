"""Bilinear resizing without antialiasing, in OpenCV's whole numbers (``cv::resize``, INTER_LINEAR, 8 bits).

Each new pixel is made of the four old ones around it, with weights of 11 bits; where an image shrinks, all others are
left out. The chapter's Gluon tab resizes so. An image that shrinks to exactly half in both directions is averaged
instead, as OpenCV does.
"""

import numpy as np

_ONE = 2048  # weights are whole numbers: this is 1


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bring an image h w c (uint8) to another height and width."""
    assert picture.dtype == np.uint8, picture.dtype
    if picture.shape[:2] == (height, width):
        return picture.copy()
    if picture.shape[:2] == (2 * height, 2 * width):
        four = picture.reshape(height, 2, width, 2, -1).astype(np.int32).sum(axis=(1, 3))
        halved: np.ndarray = ((four + 2) >> 2).astype(np.uint8)
        return halved
    top, bottom, below = _places(picture.shape[0], height)
    left, right, beside = _places(picture.shape[1], width)
    pixels = picture.astype(np.int64)
    across = pixels[:, left] * (_ONE - beside)[:, None] + pixels[:, right] * beside[:, None]
    above, under = across[top] >> 4, across[bottom] >> 4
    upper, lower = (above * (_ONE - below)[:, None, None]) >> 16, (under * below[:, None, None]) >> 16
    mixed: np.ndarray = ((upper + lower + 2) >> 2).clip(0, 255).astype(np.uint8)
    return mixed


def _places(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The two old pixels around each new one along a side, and the weight of the second."""
    at = ((np.arange(new) + 0.5) * (old / new) - 0.5).astype(np.float32)
    first = np.floor(at).astype(np.int64)
    weights = np.rint((at - first.astype(np.float32)) * np.float32(_ONE)).astype(np.int64)
    return first.clip(0, old - 1), (first + 1).clip(0, old - 1), weights
