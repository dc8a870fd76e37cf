"""The grids as a film."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data import pixels
from dcgan.errors import UserError
from dcgan.reporting.film import LAST_MILLISECONDS, MARGIN, MOST_BYTES, MOST_FRAMES, write_film
from dcgan.runs.folder import RunFolder

Build = Callable[..., RunFolder]


def durations(picture: Image.Image) -> list[int]:
    found = []
    for index in range(picture.n_frames):
        picture.seek(index)
        found.append(picture.info["duration"])
    return found


def test_every_grid_is_a_frame_and_the_last_one_is_held(build: Build) -> None:
    with Image.open(write_film(build(grids=5))) as picture:
        times = durations(picture)
    assert len(times) == 5 and len(set(times[:-1])) == 1 and times[-1] == LAST_MILLISECONDS > 5 * times[0]


def test_frames_are_limited_and_so_is_the_size(build: Build) -> None:
    path = write_film(build(grids=60, size=32))
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as picture:
        assert picture.n_frames == MOST_FRAMES


def test_small_grids_are_enlarged_by_a_whole_number(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.samples.mkdir()
    checks = (np.indices((40, 100)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None]
    run.preview(0).write_bytes(pixels.png(checks))
    with Image.open(write_film(run)) as picture:
        grey = np.array(picture.convert("L"))
    assert grey.shape == (160 + MARGIN, 400)
    assert (grey[:160] == np.kron(checks[:, :, 0], np.ones((4, 4)))).all()


def test_transparent_grids_are_shown_on_white(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.samples.mkdir()
    run.preview(0).write_bytes(pixels.png(np.zeros((400, 400, 4), np.uint8)))
    with Image.open(write_film(run)) as picture:
        assert picture.convert("RGB").getpixel((50, 50)) == (255, 255, 255)


def test_a_torn_grid_is_passed_over_and_no_grid_at_all_is_said(build: Build) -> None:
    run = build(grids=3)
    run.preview(100).write_bytes(run.preview(100).read_bytes()[:200])
    with Image.open(write_film(run)) as picture:
        assert picture.n_frames == 2
    for _, path in run.previews():
        path.unlink()
    with pytest.raises(UserError, match="no grid"):
        write_film(run)
