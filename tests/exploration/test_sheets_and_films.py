"""Films and sheets are what Pillow reads again, for every form of image."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from dcgan.errors import UserError
from dcgan.exploration.films import film
from dcgan.exploration.sheets import Row, sheet, solid


def pictures(channels: int, dtype: type = np.uint8) -> np.ndarray:
    """5 images of 16 x 12, each brighter than the last."""
    white = np.iinfo(dtype).max
    levels = np.linspace(0, white, 5).astype(dtype)
    return np.broadcast_to(levels[:, None, None, None], (5, 16, 12, channels)).copy()


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_film_of_any_form_has_one_frame_an_image_and_repeats(channels: int, dtype: type) -> None:
    read = Image.open(io.BytesIO(film(pictures(channels, dtype), ".gif")))
    assert read.n_frames == 5
    assert read.info["loop"] == 0
    assert min(read.size) >= 256


def test_a_film_shows_the_colours_of_its_images() -> None:
    read = Image.open(io.BytesIO(film(pictures(3), ".gif")))
    seen = []
    for number in range(5):
        read.seek(number)
        seen.append(read.convert("RGB").getpixel((0, 0)))
    assert np.abs(np.array(seen, dtype=float) - pictures(3)[:, 0, 0].astype(float)).max() <= 4


def test_a_film_as_png_is_one_sheet_of_all_images() -> None:
    read = Image.open(io.BytesIO(film(pictures(3), ".png")))
    assert read.size == (10 * (12 + 2) - 2, 16)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the program ffmpeg")
def test_a_film_as_mp4_is_what_ffmpeg_made() -> None:
    assert film(pictures(3), ".mp4")[4:8] == b"ftyp"


def test_without_ffmpeg_an_mp4_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="needs the program ffmpeg"):
        film(pictures(3), ".mp4")


def test_what_is_transparent_is_shown_over_white() -> None:
    picture = np.zeros((4, 4, 4), dtype=np.uint8)
    assert solid(picture).getpixel((0, 0)) == (255, 255, 255)


def test_a_sheet_keeps_the_pixels_of_its_images_and_has_words_to_their_left() -> None:
    rows = [Row(pictures(3), "brightness\nthe second line"), Row(pictures(3)[::-1], "darkness", breaks=(2,))]
    page = np.asarray(Image.open(io.BytesIO(sheet(rows, head="What it does"))).convert("RGB"))
    black = (page == 0).all(axis=2)
    assert black.sum() >= 2 * 16 * 12 * 36  # each image is six times as large
    assert (page[:, :40] < 255).any()
    assert (page[-10:] == 255).all()
