import numpy as np
import pytest

from dcgan.data.likeness import class_share
from dcgan.data.sources.critters import draw

LABELS = np.arange(400) % 4


def images(between: float, within: float, shape: tuple[int, ...] = (16, 16, 3)) -> np.ndarray:
    """Grey levels: normal class means of one standard deviation, normal images around them of the other."""
    random = np.random.default_rng(0)
    levels = between * np.array([-1.0, 1.0, -1.0, 1.0])[LABELS] + within * random.normal(size=len(LABELS))
    return np.broadcast_to(levels[:, None, None, None], (len(LABELS), *shape)).copy()


@pytest.mark.parametrize("within", [0.5, 1.0, 3.0])
def test_the_share_is_that_of_the_variance_between_classes(within: float) -> None:
    assert class_share(images(1.0, within), LABELS) == pytest.approx(1 / (1 + within**2), abs=0.05)


def test_classes_that_are_all_there_is_tell_all_and_random_ones_nothing() -> None:
    assert class_share(images(1.0, 0.0), LABELS) == pytest.approx(1.0)
    assert class_share(images(0.0, 1.0), LABELS) < 0.03
    assert class_share(np.zeros((400, 8, 8, 1), np.uint8), LABELS) == 0.0, "nothing to tell"


def test_neither_contrast_nor_size_nor_gaps_in_the_numbers_matter() -> None:
    small = images(1.0, 1.0)
    share = class_share(small, LABELS)
    assert class_share(3 * small + 5, LABELS) == pytest.approx(share)
    assert class_share(small.repeat(2, axis=1).repeat(2, axis=2), LABELS) == pytest.approx(share)
    assert class_share(small, 10 * LABELS) == pytest.approx(share)
    assert class_share(images(1.0, 1.0, (5, 28, 1)), LABELS) == pytest.approx(share)


def test_the_kinds_of_creatures_tell_most_of_them() -> None:
    pixels = np.stack([draw(index, 32, 32)[..., :3] for index in range(200)])
    assert class_share(pixels, np.arange(200) % 8) > 0.6
