"""What fuzz_guided.py feeds: one function of bytes for each kind of file, and good files of that kind to begin with.

A function returns for whatever the product takes or refuses in its own words, and raises for all else.
"""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.torture import fuzz_archives, fuzz_configs
from benchmarks.torture.forge import encode, forged
from benchmarks.torture.fuzz_checkpoints import good
from benchmarks.torture.fuzz_images import good_images
from benchmarks.torture.judge import command
from dcgan.data.decoding.decode import decode
from dcgan.data.shape import shape_image
from dcgan.data.sources.items import Unreadable
from dcgan.errors import UserError
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import read_toml
from dcgan.settings.knobs import DataConfig
from dcgan.settings.recipes import complete

SHAPE = DataConfig(height=16, width=16)


class Target(NamedTuple):
    """One kind of file."""

    feed: Callable[[bytes, Path], object]
    seeds: Callable[[], list[bytes]]


def image(content: bytes, folder: Path) -> None:
    try:
        shape_image(decode(content), SHAPE)
    except Unreadable as error:
        assert str(error).isprintable(), str(error)


def archive(content: bytes, folder: Path) -> None:
    (folder / "x.zip").write_bytes(content)
    command("data", str(folder / "x.zip"), "--size", "16")


def array(content: bytes, folder: Path) -> None:
    (folder / "x.npy").write_bytes(content)
    command("data", str(folder / "x.npy"), "--size", "16")


def forgery(content: bytes, folder: Path) -> None:
    """The hash in its name is right: all that is left to find is in the content."""
    try:
        found = checkpoint.read(forged(RunFolder(folder / "run"), content))
        if found is not None:
            checkpoint.config_of(found)
    except UserError as error:
        assert len(str(error)) < 2_000, str(error)


def config(content: bytes, folder: Path) -> None:
    (folder / "config.toml").write_bytes(content)
    try:
        complete(read_toml(folder / "config.toml"))
    except UserError as error:
        assert len(str(error)) < 20_000, str(error)


def arrays() -> list[bytes]:
    shapes: list[tuple[int, ...]] = [(6, 16, 16), (4, 8, 8, 3), (2, 5, 7, 2)]
    found = []
    for shape in shapes:
        for dtype in (np.uint8, np.uint16):
            buffer = io.BytesIO()
            np.save(buffer, np.ones(shape, dtype))
            found.append(buffer.getvalue())
    return found


TARGETS = {
    "images": Target(image, lambda: [content for _, content in good_images()]),
    "archives": Target(archive, lambda: [fuzz_archives.hostile_zip(random.Random(seed)) for seed in range(20)]),
    "arrays": Target(array, arrays),
    "checkpoints": Target(forgery, lambda: [encode(*good())]),
    "configs": Target(config, lambda: [fuzz_configs.text(random.Random(seed)) for seed in range(20)]),
}
