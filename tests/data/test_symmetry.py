import gzip
from pathlib import Path

import numpy as np
import pytest

from dcgan.data.sources.critters import draw
from dcgan.data.symmetry import may_be_mirrored, right_guesses


def noise(count: int, height: int = 16, width: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def arrows(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Half point left, half point right."""
    pixels, right = noise(count) // 4, np.arange(count) % 2
    pixels[right == 1, 4:12, 10:] += 150
    pixels[right == 0, 4:12, :6] += 150
    return pixels, right


@pytest.mark.parametrize("width", [16, 20, 52, 60, 80])
def test_noise_may_be_mirrored(width: int) -> None:
    assert may_be_mirrored(noise(2000, width=width))


def test_images_that_are_their_own_mirror_images_may_be_mirrored() -> None:
    left = noise(400)[:, :, :8]
    pixels = np.concatenate([left, left[:, :, ::-1]], axis=2)
    assert right_guesses(pixels) == 0.5
    assert may_be_mirrored(pixels)


def test_one_bright_side_gives_images_away_whatever_their_type() -> None:
    pixels = noise(400) // 2
    pixels[:, :, 9:] += 40
    assert right_guesses(pixels) > 0.99
    assert not may_be_mirrored(pixels)
    assert not may_be_mirrored(pixels.astype(np.uint16) * 257)


def test_left_and_right_arrows_may_be_mirrored_unless_they_are_classes() -> None:
    pixels, labels = arrows(2000)
    assert may_be_mirrored(pixels)
    assert not may_be_mirrored(pixels, labels)


def test_a_handful_of_images_tells_nothing() -> None:
    assert not may_be_mirrored(noise(99))


def test_critters_face_both_ways() -> None:
    assert may_be_mirrored(np.stack([draw(index, 16, 16)[..., :3] for index in range(800)]))


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_digits_and_clothes_have_a_side(name: str, real_data: Path) -> None:
    with gzip.open(real_data / name / "t10k-images-idx3-ubyte.gz") as file:
        content = file.read(16 + 2000 * 28 * 28)
    assert not may_be_mirrored(np.frombuffer(content, dtype=np.uint8, offset=16).reshape(2000, 28, 28, 1))


def test_photographs_have_no_side(real_data: Path) -> None:
    arrays = np.load(real_data / "cifar10-subset" / "cifar10_subset.npz")
    (pixels,) = [arrays[name] for name in arrays.files if arrays[name].ndim == 4][:1]
    assert pixels.shape[1:] == (32, 32, 3)
    assert may_be_mirrored(pixels[:4000])
