"""What is wrong with the pixels of many images is said before anything is trained."""

from typing import Any

import numpy as np
import pytest

from dcgan.data.prepare import prepare
from dcgan.settings.knobs import DataConfig


def remarks(**options: Any) -> tuple[str, ...]:
    return prepare(DataConfig(source="fake", height=16, width=16, **options)).report.remarks


def numbered(*pictures: np.ndarray) -> dict[str, object]:
    return {f"{index:03}.png": picture for index, picture in enumerate(pictures)}


def drawing(seed: int, white: int = 255, dtype: type = np.uint8) -> np.ndarray:
    """Grey noise from 0 to ``white``."""
    picture = np.random.default_rng(seed).integers(0, white, (20, 20, 1), endpoint=True).astype(dtype)
    picture[0, :2, 0] = 0, white
    return picture


def icon(seed: int, shade: int) -> np.ndarray:
    """A shape of one colour on nothing."""
    picture = np.full((20, 20, 4), shade, np.uint8)
    picture[..., 3] = 0
    picture[2:10, 2 : 6 + seed % 8, 3] = 255
    picture[15, 15] = seed % 255, seed // 255, 7, 0
    return picture


def test_icons_that_vanish_on_their_background_are_told_with_three_ways_out(use: Any) -> None:
    use(numbered(*(icon(seed, 255) for seed in range(20))))
    expected = (
        "20 of 20 images are one flat colour once they are painted over #ffffff: "
        "try --background black, --channels rgba or --set data.alpha=drop.",
    )
    assert remarks() == expected
    assert remarks(background="black") == ()
    assert remarks(channels="rgba") == ()


def test_black_icons_on_black_are_told_to_try_white(use: Any) -> None:
    use(numbered(*(icon(seed, 0) for seed in range(20))))
    (words,) = remarks(background="#000000")
    assert "try --background white" in words


def test_black_icons_on_white_are_as_they_should_be(use: Any) -> None:
    use(numbered(*(icon(seed, 0) for seed in range(20))))
    assert remarks() == ()


def test_images_that_are_wholly_transparent_are_told_whatever_is_done_with_transparency(use: Any) -> None:
    clear = [np.concatenate([drawing(seed).repeat(3, 2), np.zeros((20, 20, 1), np.uint8)], 2) for seed in range(4)]
    use(numbered(*clear))
    assert "4 of 4 images are one flat colour once" in remarks()[0]
    assert remarks(channels="rgba") == ("4 of 4 images are one flat colour, or wholly transparent.",)
    assert remarks(alpha="drop") == ()


@pytest.mark.parametrize(("flat", "said"), [(1, False), (2, True)])
def test_a_tenth_of_empty_images_is_worth_a_word(use: Any, flat: int, said: bool) -> None:
    empty = [np.full((20, 20, 1), shade, np.uint8) for shade in range(flat)]
    use(numbered(*(drawing(seed) for seed in range(20 - flat)), *empty))
    assert bool(remarks()) == said


def test_dark_images_are_told_with_the_number_that_mends_them(use: Any) -> None:
    use(numbered(*(drawing(seed, 4080, np.uint16) for seed in range(4))))
    expected = "Values are 0 … 4,080 of 65,535 (6%): nearly black. If these are images of 12 bits, multiply them by 16."
    assert remarks() == (expected,)
    use(numbered(*(drawing(seed, 2) for seed in range(4))), stamp="2")
    (words,) = remarks()
    assert words.startswith("Values are 0 … 2 of 255 (1%): nearly black.")
    assert words.endswith("multiply them by 127.")


@pytest.mark.parametrize(("white", "dtype"), [(64, np.uint8), (16_384, np.uint16), (65_535, np.uint16)])
def test_images_that_reach_a_quarter_of_white_are_not_called_dark(use: Any, white: int, dtype: type) -> None:
    use(numbered(*(drawing(seed, white, dtype) for seed in range(4))))
    assert remarks() == ()
