"""What is held out depends on content alone, and recoloured twins stay together."""

import hashlib

import numpy as np
import pytest

from dcgan.data import split as splitting
from dcgan.data.split import LARGEST_GROUP, Split, outlines, split, twins


def contents(count: int) -> list[bytes]:
    return sorted(hashlib.sha256(str(index).encode()).digest()[:16] for index in range(count))


def divide(count: int, outlines: np.ndarray, **options: bool) -> Split:
    return split(contents(count), outlines, np.zeros(count, dtype=bool), **{"held_out": True, **options})


def drawings(count: int, colours: int = 5, size: int = 32) -> np.ndarray:
    """``count`` blotches, each in ``colours`` palettes: count, colours, h, w, 3."""
    generator = np.random.default_rng(0)
    maps = generator.integers(0, 4, (count, size // 4, size // 4)).repeat(4, axis=1).repeat(4, axis=2)
    palettes = generator.permuted(np.arange(4) * 60 + 20, axis=0)[None, None, :, None]
    palettes = (palettes + generator.integers(0, 12, (count, colours, 4, 3)))[:, :, generator.permutation(4)]
    return np.stack([palettes[index][:, maps[index]] for index in range(count)]).astype(np.uint8)


@pytest.fixture(scope="module")
def random_outlines() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (60_000, 256), dtype=np.uint8)


@pytest.mark.parametrize(("count", "expected"), [(999, 0), (1000, 100), (1234, 123), (60_000, 5000)])
def test_a_tenth_is_held_out_at_most_5000_none_under_1000(
    count: int, expected: int, random_outlines: np.ndarray
) -> None:
    result = divide(count, random_outlines[:count])
    assert len(result.held_out) == expected
    assert np.array_equal(np.sort(np.concatenate([result.train, result.held_out])), np.arange(count))
    assert result.train.dtype == result.held_out.dtype == np.int64


def test_nothing_is_held_out_when_nothing_shall_be(random_outlines: np.ndarray) -> None:
    assert len(divide(2000, random_outlines[:2000], held_out=False).held_out) == 0


def test_the_official_test_split_is_what_is_held_out(random_outlines: np.ndarray) -> None:
    test = np.arange(50) % 5 == 0
    result = split(contents(50), random_outlines[:50], test, held_out=True)
    assert np.array_equal(result.held_out, np.flatnonzero(test)) and "official" in result.reason
    assert len(split(contents(50), random_outlines[:50], test, held_out=False).train) == 50


def test_recoloured_twins_are_one_group() -> None:
    pictures = drawings(40)
    groups = twins(outlines(pictures.reshape(-1, 32, 32, 3))).reshape(40, 5)
    assert (groups == groups[:, :1]).all()
    assert len(np.unique(groups)) == 40


def test_twins_are_kept_on_one_side() -> None:
    pictures = drawings(300)
    order = np.random.default_rng(3).permutation(1500)
    result = divide(1500, outlines(pictures.reshape(-1, 32, 32, 3))[order])
    drawing = order // 5
    assert not set(drawing[result.train]) & set(drawing[result.held_out])
    assert len(result.held_out) == 150
    assert result.group_sizes == (5,) * 300


def test_an_outline_does_not_depend_on_depth_brightness_or_channels() -> None:
    pictures = drawings(3, 1)[:, 0]
    flat = outlines(pictures[..., :1])
    assert np.array_equal(flat, outlines(pictures[..., :1].repeat(3, axis=3)))
    assert np.array_equal(outlines(pictures), outlines(pictures.astype(np.uint16) * 257))
    assert np.array_equal(outlines(pictures), outlines(255 - pictures))
    assert flat.shape == (3, 256) and flat.dtype == np.uint8


def test_an_outline_does_not_depend_on_what_is_computed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = drawings(5, 1)[:, 0]
    together = outlines(pictures)
    monkeypatch.setattr(splitting, "_NUMBERS_AT_ONCE", 2 * pictures[0].size)
    assert np.array_equal(outlines(pictures), together)
    assert np.array_equal(np.stack([outlines(picture[None])[0] for picture in pictures]), together)


@pytest.mark.parametrize("size", [(16, 16), (20, 28), (16, 80)])
def test_an_outline_exists_for_every_size(size: tuple[int, int]) -> None:
    assert outlines(np.zeros((1, *size, 3), np.uint8)).max() == 0


def test_groups_do_not_depend_on_the_order() -> None:
    pictures = drawings(50)
    maps = outlines(pictures.reshape(-1, 32, 32, 3))
    order = np.random.default_rng(5).permutation(len(maps))
    first, second = twins(maps)[order], twins(maps[order])
    assert np.array_equal(first[:, None] == first, second[:, None] == second)


def test_a_chain_of_resemblance_is_cut() -> None:
    steps = np.random.default_rng(0).integers(0, 200, (256,))
    chain = np.stack([np.where(np.arange(256) < index, 255 - steps, steps) for index in range(256)]).astype(np.uint8)
    sizes = np.bincount(twins(chain))
    assert 1 < sizes.max() <= LARGEST_GROUP


@pytest.mark.promise("Copies of one image are never on both sides of the split into training and held-out images.")
def test_exact_copies_stay_together_however_many_they_are(random_outlines: np.ndarray) -> None:
    copies = np.concatenate([random_outlines[:1].repeat(300, axis=0), random_outlines[:1200]])
    result = divide(1500, copies)
    assert result.group_sizes == (301,)
    assert len(result.held_out) == 150
    assert not set(result.held_out) & {*range(300), 300}


def test_blank_images_are_twins_of_each_other_alone() -> None:
    blank = np.zeros((3, 256), np.uint8)
    other = np.random.default_rng(0).integers(0, 256, (3, 256), dtype=np.uint8)
    assert np.bincount(twins(np.concatenate([blank, other]))).max() == 3
    assert len(twins(blank[:1])) == 1
