"""Real images for the methods that need some: a user's own files, and those that a run was trained on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from dcgan.data.dataset import Dataset
from dcgan.data.decoding.decode import decode
from dcgan.data.prepare import prepare
from dcgan.data.shape import brought_to, shape_image
from dcgan.data.sources.items import Unreadable
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import read_bytes
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Pixels

MOST_BYTES = 500_000_000
_CHANNELS: dict[int, Literal["grey", "rgb", "rgba"]] = {1: "grey", 3: "rgb", 4: "rgba"}


def read_images(paths: Sequence[str | Path], generator: TrainedGenerator) -> Pixels:
    """Image files, brought to the shape that the run brings its own to: n c h w.

    Raises:
        UserError: A file cannot be read, or cannot have these channels.
    """
    return torch.cat([_read(Path(path), generator) for path in paths])


def _read(path: Path, generator: TrainedGenerator) -> Pixels:
    channels = generator.config.model.image_channels or 0
    config = replace(generator.config.data, channels=_CHANNELS.get(channels, "auto"))
    try:
        picture = shape_image(decode(read_bytes(path, MOST_BYTES)), config)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).", ExitCode.DATA) from error
    except Unreadable as error:
        raise UserError(f"{path}: {error}.", ExitCode.DATA) from error
    if picture.shape[2] not in (1, channels):
        raise UserError(f"{path}: {picture.shape[2]} channels, this run's images have {channels}.", ExitCode.DATA)
    wide = brought_to(picture, channels, np.dtype(np.uint16 if generator.dtype == torch.uint16 else np.uint8))
    return torch.from_numpy(np.ascontiguousarray(wide.transpose(2, 0, 1)))[None]


def trained_on(generator: TrainedGenerator) -> Dataset | None:
    """The images that the run was trained on; None where they are no longer there, or changed."""
    try:
        return prepare(generator.config.data)
    except UserError:
        return None


def required(generator: TrainedGenerator, run: str | Path) -> Dataset:
    """The images that the run was trained on.

    Raises:
        UserError: They are no longer there, or changed.
    """
    try:
        return prepare(generator.config.data)
    except UserError as error:
        raise UserError(f"{run}: needs the images that it was trained on. {error}", error.exit_code) from error


def in_the_form_of(generator: TrainedGenerator, source: str | Path | None) -> Dataset:
    """All images of a source in the form that the run's own have; None: the run's own source.

    Raises:
        UserError: There is no such source, or its images cannot have that form.
    """
    data, channels = generator.config.data, generator.config.model.image_channels or 0
    wanted = replace(data, channels=_CHANNELS.get(channels, "auto"), limit=None)
    if source is not None:
        wanted = replace(wanted, source=str(source), classes=())
    dataset = prepare(wanted)
    if dataset.pixels.shape[3] != channels or dataset.pixels.dtype.itemsize != generator.dtype.itemsize:
        form = f"{dataset.pixels.shape[3]} channels of {8 * dataset.pixels.dtype.itemsize} bits"
        own = f"{channels} channels of {8 * generator.dtype.itemsize} bits"
        raise UserError(f"--data {wanted.source}: its images have {form}, those of the run {own}.", ExitCode.DATA)
    return dataset


def pixels_of_rows(dataset: Dataset, rows: np.ndarray) -> Pixels:
    """These images: n c h w."""
    return torch.from_numpy(np.array(dataset.pixels[rows])).permute(0, 3, 1, 2)


def spread_rows(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, evenly. Rows are in the order of a hash, so these are a random choice."""
    if len(rows) <= most:
        return rows
    chosen: np.ndarray = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
    return chosen
