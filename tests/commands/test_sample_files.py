"""What the files of a sample hold."""

import io

import numpy as np
import pytest
from PIL import Image

from dcgan.commands.looks import encoded


def noise(channels: int, dtype: type) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (6, 5, channels), dtype=dtype, endpoint=True)


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.uint8), (4, np.uint8), (1, np.uint16)])
def test_a_png_holds_the_whole_picture_where_it_can(channels: int, dtype: type) -> None:
    picture = noise(channels, dtype)
    files = encoded(picture)
    assert files.keys() == {".png"}
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(files[".png"]))).reshape(picture.shape), picture)


@pytest.mark.parametrize(("channels", "dtype"), [(3, np.uint16), (4, np.uint16), (2, np.uint8), (9, np.uint8)])
def test_where_a_png_cannot_hold_everything_an_npy_lies_beside_it(channels: int, dtype: type) -> None:
    picture = noise(channels, dtype)
    files = encoded(picture)
    assert np.array_equal(np.load(io.BytesIO(files[".npy"])), picture)
    shown = np.asarray(Image.open(io.BytesIO(files[".png"]))).reshape(6, 5, -1)
    shift = 8 if dtype == np.uint16 else 0
    assert np.array_equal(shown, picture[..., : shown.shape[2]] >> shift)
