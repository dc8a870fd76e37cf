"""The curves as a picture."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.reporting.plots import write_curves
from dcgan.runs.folder import RunFolder

Build = Callable[..., RunFolder]


def test_the_plot_is_a_picture_with_both_curves(build: Build) -> None:
    path = write_curves(build(steps=60))
    with Image.open(path) as picture:
        colours = {tuple(colour) for colour in np.array(picture.convert("RGB")).reshape(-1, 3)}
        assert picture.format == "PNG" and picture.width > 2 * picture.height
    assert {(0xC2, 0x57, 0x1A), (0x0B, 0x7A, 0x75), (0x5A, 0x55, 0xC8)} <= colours


def test_an_empty_run_has_a_plot_and_a_name_is_never_read_as_mathematics(build: Build, tmp_path: Path) -> None:
    for run in (RunFolder(tmp_path / "nothing"), build(steps=1, source="$\\frac{broken$")):
        with Image.open(write_curves(run)) as picture:
            assert picture.format == "PNG"


def test_nothing_global_is_touched(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    write_curves(build(steps=3))
    assert "matplotlib.pyplot" not in sys.modules
