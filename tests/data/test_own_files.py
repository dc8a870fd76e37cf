"""What the program wrote itself is not among the images of a source."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data.sources.open import open_source
from dcgan.data.sources.own_files import _MARKS, own_files
from dcgan.errors import UserError
from dcgan.runs.folder import RunFolder
from dcgan.settings.knobs import DataConfig


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        Image.fromarray(np.zeros((4, 3), np.uint8)).save(path)
    else:
        path.write_bytes(b"")
    return path


def names_and_skipped(folder: Path) -> tuple[list[str], dict[str, str]]:
    source = open_source(DataConfig(source=str(folder)))
    return [item.name for item in source.items], dict(source.skipped)


def test_a_run_inside_the_source_is_left_out_and_classes_stay(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "runs/photos-16-modern-0")
    for path in (run.config, run.about, run.reals, run.preview(100), run.curves):
        write(path)
    write(tmp_path / "cat/1.png")
    write(tmp_path / "dog/2.png")
    source = open_source(DataConfig(source=str(tmp_path)))
    assert [item.name for item in source.items] == ["cat/1.png", "dog/2.png"]
    assert source.class_names == ("cat", "dog")
    assert dict(source.skipped) == {"runs/photos-16-modern-0": "a run of dcgan"}


def test_the_files_that_mark_a_run_are_those_that_it_writes(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for first, second in ((run.config, run.about), (run.config, run.journal)):
        assert ({first.name, second.name}, "a run of dcgan") in _MARKS


def test_a_run_is_no_source_of_images(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "demo")
    for path in (run.config, run.about, run.reals):
        write(path)
    with pytest.raises(UserError, match=r"no images in it\. Found the whole folder: a run of dcgan\."):
        open_source(DataConfig(source=str(run.root)))


def test_samples_beside_other_images_are_left_out(tmp_path: Path) -> None:
    for name in ("samples/seed_00000.png", "samples/seed_00001.png", "samples/sheet.png", "1.png", "2.png"):
        write(tmp_path / name)
    assert names_and_skipped(tmp_path) == (["1.png", "2.png"], {"samples": "samples of dcgan"})


def test_of_a_folder_of_samples_the_sheet_alone_is_left_out(tmp_path: Path) -> None:
    for name in ("seed_00000.png", "seed_123456.png", "latent_00000.png", "sheet.png"):
        write(tmp_path / "new" / name)
    names, skipped = names_and_skipped(tmp_path / "new")
    assert names == ["latent_00000.png", "seed_00000.png", "seed_123456.png"]
    assert skipped == {"sheet.png": "a sheet of the samples"}
    for name in ("seed_00000.png", "sheet.png"):
        write(tmp_path / "cats" / name)
    names, skipped = names_and_skipped(tmp_path)
    assert "cats/sheet.png" in skipped
    assert "new/sheet.png" in skipped
    assert len(names) == 4


def test_a_sheet_that_somebody_else_drew_is_an_image() -> None:
    assert own_files([("sheet.png",), ("cat.png",)]) == []
    assert own_files([("sheet.png",)]) == []
    assert own_files([("sheet.png",), ("seed_00000.png",), ("cat.png",)]) == []
