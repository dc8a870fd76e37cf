"""The images that the detectors are trained and measured on: never a test split in training, and half of the rest."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcgan.data.sources.critters import CLASS_NAMES, draw, label

CRITTER_SEED = 20_26  # creatures that the built-in data set, which is seed 0, does not have
CRITTER_SIZE = 64
REAL = ("fashion-mnist", "mnist", "cifar10-subset")


@dataclass(frozen=True)
class ImageSet:
    """Images n h w c (uint8, c = 1 or 3) and their classes."""

    name: str
    pixels: np.ndarray
    labels: np.ndarray
    num_classes: int
    flips: bool
    """Whether a mirrored image is still of its class."""


def training_sets(folder: Path, *, num_critters: int = 8_000) -> list[ImageSet]:
    """Creatures, and of the official training images of the others those whose content's hash is even."""
    return [
        critters(num_critters, seed=CRITTER_SEED),
        *(half(load(folder, name, "train"), parity=0) for name in REAL),
    ]


def unseen_sets(folder: Path, *, num_critters: int = 1_000) -> list[ImageSet]:
    """Creatures of another seed, and the other half of the training images: to choose by."""
    return [
        critters(num_critters, seed=CRITTER_SEED + 1),
        *(half(load(folder, name, "train"), parity=1) for name in REAL),
    ]


def test_sets(folder: Path, *, num_critters: int = 2_000) -> list[ImageSet]:
    """Creatures of another seed, and the official test splits: for measuring only."""
    return [
        critters(num_critters, seed=CRITTER_SEED + 2),
        *(load(folder, name, "test") for name in REAL),
    ]


def critters(count: int, *, seed: int) -> ImageSet:
    """Creatures 64 x 64 on backgrounds of all colours, a third of them white."""
    generator = np.random.default_rng(seed)
    rows = np.empty((count, CRITTER_SIZE, CRITTER_SIZE, 3), np.uint8)
    for index in range(count):
        picture = draw(index, CRITTER_SIZE, CRITTER_SIZE, seed=seed).astype(np.float32)
        background = np.full(3, 255.0) if index % 3 == 0 else generator.uniform(0, 255, 3)
        alpha = picture[..., 3:] / 255
        rows[index] = np.rint(picture[..., :3] * alpha + background * (1 - alpha))
    return ImageSet("critters", rows, np.array([label(index) for index in range(count)]), len(CLASS_NAMES), True)


def load(folder: Path, name: str, split: str) -> ImageSet:
    """``fashion-mnist``, ``mnist`` or ``cifar10-subset``; ``train`` or ``test``: the official splits."""
    if name == "cifar10-subset":
        with np.load(folder / name / "cifar10_subset.npz") as arrays:
            return ImageSet(name, arrays[f"x_{split}"], arrays[f"y_{split}"].astype(np.int64).ravel(), 10, True)
    prefix = {"train": "train", "test": "t10k"}[split]
    pixels = _idx(folder / name / f"{prefix}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28, 1)
    labels = _idx(folder / name / f"{prefix}-labels-idx1-ubyte.gz", 8).astype(np.int64)
    return ImageSet(name, pixels, labels, 10, name == "fashion-mnist")


def half(images: ImageSet, *, parity: int) -> ImageSet:
    """Those whose sha256 is even (0) or odd (1): equal images are always on the same side."""
    chosen = np.array([hashlib.sha256(image.tobytes()).digest()[-1] % 2 == parity for image in images.pixels])
    return ImageSet(images.name, images.pixels[chosen], images.labels[chosen], images.num_classes, images.flips)


def _idx(path: Path, header: int) -> np.ndarray:
    with gzip.open(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)
