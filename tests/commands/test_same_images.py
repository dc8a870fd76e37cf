"""A run goes on with the images that it began with, wherever they lie by now, and with no others."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dcgan
from dcgan.data.pixels import png
from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder

WORDS: dict[str, Any] = {
    "size": 16, "threads": 1, "budget": "320",
    "settings": {
        "model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 8,
        "hardware.precision": "fp32",
    },
}  # fmt: skip


@pytest.fixture
def images(critters_npy: Path, tmp_path: Path) -> Path:
    """A folder of 30 files."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number, picture in enumerate(np.load(critters_npy)[:30]):
        (folder / f"{number}.png").write_bytes(png(picture))
    return folder


def stop_early(images: Path, out: Path) -> None:
    run = dcgan.train(images, out=out, **WORDS)
    list(islice(run, 7))
    run.close()


@pytest.mark.promise("Images may be moved and renamed while a run is stopped: what counts is their content.")
def test_images_that_were_moved_are_the_same(images: Path, tmp_path: Path) -> None:
    list(dcgan.train(images, out=tmp_path / "whole", **WORDS))
    stop_early(images, tmp_path / "run")
    moved = images.rename(tmp_path / "elsewhere")
    (moved / "3.png").rename(moved / "three.png")
    list(dcgan.train(moved, out=tmp_path / "run", **WORDS))
    whole, parts = (checkpoint.newest(RunFolder(tmp_path / name)) for name in ("whole", "run"))
    assert whole is not None
    assert parts is not None
    assert [name for name in whole.tensors if not torch.equal(whole.tensors[name], parts.tensors[name])] == []
    assert 'source = "' + str(moved) in RunFolder(tmp_path / "run").config.read_text()


def add(folder: Path) -> None:
    (folder / "new.png").write_bytes(png(np.full((16, 16, 3), 7, np.uint8)))


def remove(folder: Path) -> None:
    (folder / "3.png").unlink()


def alter(folder: Path) -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[3, 3, 0] = 1
    (folder / "3.png").write_bytes(png(picture))


@pytest.mark.parametrize("change", [add, remove, alter])
def test_images_that_were_changed_are_others(change: Any, images: Path, tmp_path: Path) -> None:
    stop_early(images, tmp_path / "run")
    change(images)
    with pytest.raises(UserError, match="not the images") as error:
        dcgan.train(images, out=tmp_path / "run", **WORDS)
    assert error.value.exit_code == ExitCode.DATA
