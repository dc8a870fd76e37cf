"""What a notebook shows by itself: a live figure while training, a grid of a generator, arrays as a picture."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import dcgan
from dcgan.errors import UserError
from dcgan.interfaces.notebook import MOST_POINTS, NotebookDisplay


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeHandle:
    """What IPython's display returns."""

    def __init__(self, log: list[dict[str, Any]]) -> None:
        self.log = log

    def update(self, bundle: dict[str, Any], *, raw: bool) -> None:
        assert raw
        self.log.append(bundle)


class FakeNotebook:
    """IPython.display as far as it is used."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.outputs = 0

    def display(self, bundle: dict[str, Any], *, raw: bool, display_id: bool) -> FakeHandle:
        assert raw and display_id
        self.outputs += 1
        self.log.append(bundle)
        return FakeHandle(self.log)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def test_one_figure_is_renewed_in_place_and_ends_with_the_last_state(tmp_path: Path) -> None:
    notebook, clock = FakeNotebook(), Clock()
    grid = tmp_path / "grid.png"
    Image.fromarray(np.full((40, 60, 3), (255, 0, 0), np.uint8)).save(grid)
    with NotebookDisplay(notebook, clock) as display:
        display.prepare(5, 10)
        for index in range(30):
            clock.now += 0.5
            display.step(10 * index, 1000, 20.0, 0.5, 1.0)
            if index == 10:
                display.picture(grid)
    assert notebook.outputs == 1
    assert 5 <= len(notebook.log) <= 10  # 15 seconds, one every two
    assert notebook.log[0] == {"text/plain": "5 of 10 images prepared"}
    assert notebook.log[-1]["text/plain"].startswith("290 of 1,000 images, 20 images/s, 36 s left")
    first, last = opened(notebook.log[1]["image/png"]), opened(notebook.log[-1]["image/png"])
    assert (255, 0, 0) not in {colour for _, colour in first.getcolors(1 << 24) or []}
    assert (255, 0, 0) in {colour for _, colour in last.getcolors(1 << 24) or []}


def test_a_long_run_keeps_its_figure_small_and_a_roll_back_takes_points_away() -> None:
    display = NotebookDisplay(FakeNotebook(), Clock())
    for index in range(10 * MOST_POINTS):
        display.step(index, 10**6, 1.0, 0.5, 1.0)
    assert len(display._points) <= MOST_POINTS
    display.step(7, 10**6, 1.0, 0.5, 1.0)
    assert [seen for seen, *_ in display._points] == sorted({seen for seen, *_ in display._points})
    assert display._points[-1][0] == 7


def test_training_shows_its_figure_in_a_notebook_and_nothing_elsewhere(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = FakeNotebook()
    small = {"training.batch_size": 16, "model.generator_width": 4, "model.discriminator_width": 4}
    common: dict[str, Any] = {"size": 16, "budget": "32", "recipe": "radford2015", "settings": small}
    reports = list(dcgan.train(critters_npy, out=str(tmp_path / "silent"), **common))
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("dcgan.interfaces.notebook.running_notebook", lambda: notebook)
    shown = list(dcgan.train(critters_npy, out=str(tmp_path / "shown"), **common))
    assert [report.images_seen for report in shown] == [report.images_seen for report in reports] == [16, 32]
    assert notebook.outputs == 1
    assert notebook.log[-1]["text/plain"].startswith("32 of 32 images")
    generator = dcgan.load(tmp_path / "shown")
    assert opened(generator._repr_png_()).size == (10 * 16 + 9 * 2, 4 * 16 + 3 * 2)


@pytest.mark.parametrize(
    ("images", "size"),
    [
        (np.zeros((3, 8, 6, 3), np.uint8), (6 * 3 + 4, 8)),
        (torch.zeros(3, 3, 8, 6, dtype=torch.uint8), (6 * 3 + 4, 8)),
        (torch.zeros(12, 1, 8, 8), (8 * 10 + 18, 8 * 2 + 2)),
        (np.zeros((8, 6, 4), np.uint8), (6, 8)),
        (np.zeros((8, 6)), (6, 8)),
        ([np.zeros((8, 6, 3), np.uint8)] * 2, (6 * 2 + 2, 8)),
    ],
)
def test_images_of_any_layout_become_one_picture(images: Any, size: tuple[int, int]) -> None:
    assert opened(dcgan.show(images)._repr_png_()).size == size


def test_numbers_from_minus_one_to_one_become_black_to_white(tmp_path: Path) -> None:
    images = torch.tensor([-1.0, 0.0, 1.0])[:, None, None, None].expand(3, 1, 2, 2)
    picture = dcgan.show(images)
    assert np.asarray(opened(picture._repr_png_()))[0, [0, 4, 8], 0].tolist() == [0, 128, 255]
    assert picture.save(tmp_path / "three.png").read_bytes() == picture.content


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(UserError, match=r"expected images as n c h w or n h w c, got \(0, 3, 8, 8\)"):
        dcgan.show(np.zeros((0, 3, 8, 8)))
