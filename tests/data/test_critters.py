"""The built-in creatures: a pure function of seed, index and size, in well-behaved RGBA."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from dcgan.data.sources.critters import CLASS_NAMES, NUM_CRITTERS, draw, label

ONE_OF_EACH = range(len(CLASS_NAMES))
SEVERAL_OF_EACH = range(8 * len(CLASS_NAMES))


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return np.stack([draw(index, 64, 64) for index in range(2000)])


def over_white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:] / 255
    return rgba[..., :3] * alpha + 255 * (1 - alpha)


def reduced(rgba: np.ndarray, factor: int) -> np.ndarray:
    return np.asarray(Image.fromarray(rgba).reduce(factor))


def test_the_same_arguments_give_the_same_bytes_in_any_order() -> None:
    forwards = {index: draw(index, 32, 32).tobytes() for index in SEVERAL_OF_EACH}
    backwards = {index: draw(index, 32, 32).tobytes() for index in reversed(SEVERAL_OF_EACH)}
    assert forwards == backwards


def test_two_thousand_critters_are_all_different(many: np.ndarray) -> None:
    assert len({picture.tobytes() for picture in many}) == len(many) == 2000


def test_another_seed_draws_other_critters_of_the_same_class() -> None:
    for index in SEVERAL_OF_EACH:
        assert not np.array_equal(draw(index, 32, 32), draw(index, 32, 32, seed=1))
    swapped = draw(1, 32, 32, seed=9), draw(9, 32, 32, seed=1)
    assert not np.array_equal(*swapped)


def test_the_classes_of_the_standard_set_are_balanced() -> None:
    counts = np.bincount([label(index) for index in range(NUM_CRITTERS)], minlength=len(CLASS_NAMES))
    assert len(set(CLASS_NAMES)) == len(CLASS_NAMES) == len(counts)
    assert counts.min() == counts.max() == NUM_CRITTERS // len(CLASS_NAMES)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (64, 64), (48, 80), (80, 48), (33, 17), (256, 256)])
def test_every_critter_is_opaque_in_the_middle_and_transparent_in_the_corners(height: int, width: int) -> None:
    for index in ONE_OF_EACH:
        pixels = draw(index, height, width)
        assert pixels.shape == (height, width, 4)
        assert pixels.dtype == np.uint8
        alpha = pixels[..., 3]
        assert alpha[height // 2, width // 2] == 255
        assert not alpha[[0, 0, -1, -1], [0, -1, 0, -1]].any()
        assert not pixels[alpha == 0].any()


def test_no_critter_of_two_thousand_touches_the_border(many: np.ndarray) -> None:
    border = np.ones((64, 64), dtype=bool)
    border[1:-1, 1:-1] = False
    assert not many[:, border].any()


def test_edges_are_soft() -> None:
    for index in ONE_OF_EACH:
        assert len(np.unique(draw(index, 64, 64)[..., 3])) > 8


def test_a_critter_is_the_same_at_every_size() -> None:
    for index in SEVERAL_OF_EACH:
        small = over_white(draw(index, 32, 32))
        for factor in (2, 4):
            large = over_white(reduced(draw(index, 32 * factor, 32 * factor), factor))
            assert np.abs(small - large).mean() < 3, (index, factor)


def test_other_critters_differ_by_far_more_than_sizes_do() -> None:
    pictures = [over_white(draw(index, 32, 32)) for index in SEVERAL_OF_EACH]
    assert min(np.abs(one - other).mean() for one, other in pairwise(pictures)) > 9


def test_a_wide_canvas_shows_the_square_critter_between_transparent_sides() -> None:
    for index in ONE_OF_EACH:
        wide = draw(index, 48, 80)
        assert np.abs(over_white(wide[:, 16:64]) - over_white(draw(index, 48, 48))).mean() < 1
        assert not wide[:, :16].any()
        assert not wide[:, 64:].any()


def test_a_class_is_told_from_its_average_silhouette(many: np.ndarray) -> None:
    """A nearest-mean classifier of 16 x 16 silhouettes: the classes look different even when tiny."""
    num_classes = len(CLASS_NAMES)
    silhouettes = many[..., 3].reshape(len(many), 16, 4, 16, 4).mean(axis=(2, 4)).reshape(len(many), -1)
    labels = np.array([label(index) for index in range(len(many))])
    seen, unseen = slice(0, 1000), slice(1000, None)
    means = np.stack([silhouettes[seen][labels[seen] == kind].mean(axis=0) for kind in range(num_classes)])
    guesses = np.square(silhouettes[unseen, None] - means).sum(axis=2).argmin(axis=1)
    assert (guesses == labels[unseen]).mean() > 0.9


@pytest.mark.parametrize("arguments", [{"index": -1}, {"height": 0}, {"seed": -1}, {"seed": 2**64}])
def test_impossible_arguments_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(AssertionError):
        draw(**({"index": 0, "height": 8, "width": 8} | arguments))


def test_the_largest_seed_and_index_are_accepted() -> None:
    assert draw(2**63, 16, 16, seed=2**64 - 1).any()
