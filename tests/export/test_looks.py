"""``dcgan sample`` with the options that makers ask for."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.interfaces.cli import main


def sample(run: Path, out: Path, *words: str) -> int:
    return main(["sample", str(run), "--seeds", "0-5", "--out", str(out), *words])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_scale_palette_and_atlas_go_together(run: Path, tmp_path: Path) -> None:
    assert sample(run, tmp_path, "--scale", "3", "--palette", "4", "--atlas") == 0
    single = [f"seed_0000{number}.png" for number in range(6)]
    assert names(tmp_path) == ["atlas.json", "atlas.png", "palette.hex", *single, "sheet.png"]
    with Image.open(tmp_path / "seed_00003.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (48, 48, 3)
    place = json.loads((tmp_path / "atlas.json").read_text())["frames"]["seed_00003"]["frame"]
    with Image.open(tmp_path / "atlas.png") as atlas:
        cut = np.asarray(atlas)[place["y"] : place["y"] + 48, place["x"] : place["x"] + 48]
    assert np.array_equal(cut, pixels)
    allowed = {tuple(bytes.fromhex(line)) for line in (tmp_path / "palette.hex").read_text().split()}
    assert len(allowed) <= 4 and {tuple(colour) for colour in pixels.reshape(-1, 3)} <= allowed


def test_a_palette_of_one_sampling_is_used_by_another(run: Path, tmp_path: Path) -> None:
    assert sample(run, tmp_path / "a", "--palette", "data:6") == 0
    assert sample(run, tmp_path / "b", "--palette", str(tmp_path / "a" / "palette.hex")) == 0
    for name in names(tmp_path / "a"):
        if name.endswith(".png"):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(("kind", "name"), [("gif", "samples.gif"), ("apng", "samples.png")])
def test_an_animation_is_one_file_of_all_images(run: Path, tmp_path: Path, kind: str, name: str) -> None:
    assert sample(run, tmp_path, "--format", kind) == 0
    assert names(tmp_path) == sorted([name, "sheet.png"])
    with Image.open(tmp_path / name) as picture:
        assert picture.n_frames == 6


def test_webp_takes_the_place_of_png(run: Path, tmp_path: Path) -> None:
    assert sample(run, tmp_path / "a", "--format", "webp") == sample(run, tmp_path / "b") == 0
    with Image.open(tmp_path / "a" / "seed_00002.webp") as one, Image.open(tmp_path / "b" / "seed_00002.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


def test_tiles_say_how_well_they_do(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample(run, tmp_path, "--tile") == 0
    assert "times the step between neighbouring pixels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scale", "0"], "--scale 0: must be 1 … 64"),
        (["--palette", "1"], "--palette 1: must be 2 … 256 colours"),
        (["--palette", "data:999"], "must be 2 … 256 colours"),
        (["--palette", "no-such-file"], "--palette no-such-file: No such file"),
        (["--alpha", "hard"], "--alpha hard: this run draws 3 channels"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert sample(run, tmp_path / "out", *words) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_more_channels_than_a_picture_has_are_not_lost_silently(tmp_path: Path) -> None:
    from networks import generator

    from dcgan.commands.looks import Look, LookOptions
    from dcgan.errors import UserError

    for kind in ({"channels": 5}, {"channels": 3, "bits": 16}):
        example = generator(**kind).sample(range(2)).permute(0, 2, 3, 1).numpy()
        with pytest.raises(UserError, match="need images of 8 bits"):
            Look(LookOptions(format="gif"), example, None)
        assert np.array_equal(Look(LookOptions(), example, None).finish(example), example)


def test_an_export_of_images_has_them_all_and_an_atlas(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--to", "images", "--out", str(tmp_path / "new")]) == 0
    files = ["SHA256SUMS", "atlas.json", "atlas.png", "images", "palette.hex", "samples.gif", "sheet.png"]
    assert names(tmp_path / "new") == files
    assert sample(run, tmp_path / "old") == 0
    for number in range(6):
        name = f"seed_0000{number}.png"
        assert (tmp_path / "new" / "images" / name).read_bytes() == (tmp_path / "old" / name).read_bytes()
