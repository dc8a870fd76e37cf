"""The report says what is there, in words that cannot steer a terminal; the cache forgets only what is its own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dcgan import files
from dcgan.commands.data import clear_cache, inspect_data
from dcgan.data.decoding.decode import Unreadable, decode
from dcgan.data.inspect import DatasetReport, contact_sheet, inspect
from dcgan.errors import UserError
from dcgan.settings.knobs import DataConfig


def config(**options: Any) -> DataConfig:
    return DataConfig(**{"source": "fake", "height": 16, "width": 16, **options})


def image(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.fixture
def messy(use: Any) -> Any:
    small, transparent = image(8, 8), image(16, 16, 4)
    return use(
        {
            "a/small.png": small,
            "a/small again.png": small.copy(),
            "b/tall.jpg": (image(32, 16), "RGB", ("rotated as EXIF says",)),
            "b/exact.png": transparent,
            "b/wide.png": image(16, 48, 1),
            "b/\x1b[31mred\u202e.png": "not an image",
        },
        labels=[0, 0, 1, 1, 1, 1],
        class_names=["a", "b"],
    )


def test_everything_is_counted(messy: Any) -> None:
    report, sheet = inspect(config())
    assert (report.num_found, report.num_usable, report.num_used) == (6, 5, 5)
    assert (report.smallest, report.largest, report.median) == ((8, 8), (16, 48), (16, 16))
    assert report.modes == {"RGB": 3, "RGBA": 1, "L": 1} and report.bit_depths == {"8": 5}
    assert report.num_transparent == 1 and report.notes == {"rotated as EXIF says": 1}
    assert report.num_copies == 1 and report.copies == (("a/small again.png", "a/small.png"),)
    assert (report.num_cropped, report.num_padded, report.num_stretched) == (2, 0, 0)
    assert report.cropped_share == pytest.approx((1 / 2 + 2 / 3) / 2, abs=1e-4)
    assert (report.num_enlarged, report.num_reduced) == (2, 0)
    assert (report.channels, report.dtype) == (3, "uint8")
    assert report.skipped == (("link", "a link, not followed"),)
    assert sum(report.classes.values()) == 5
    assert (report.num_train, report.num_held_out) == (5, 0)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3


def test_padding_and_stretching_are_counted(messy: Any) -> None:
    padded, _ = inspect(config(fit="pad"))
    assert (padded.num_cropped, padded.num_padded, padded.num_enlarged, padded.num_reduced) == (0, 2, 2, 2)
    stretched, _ = inspect(config(fit="stretch"))
    assert (stretched.num_stretched, stretched.num_enlarged, stretched.num_reduced) == (2, 2, 2)


def test_the_report_survives_json(messy: Any) -> None:
    report, _ = inspect(config())
    assert DatasetReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_the_lines_are_plain_and_complete(messy: Any) -> None:
    lines = inspect(config())[0].lines()
    text = "\n".join(lines)
    assert all(line.isprintable() for line in lines)
    for words in (
        "fake: 5 images; 1 unusable",
        "8 x 8 to 16 x 48, median 16 x 16",
        "RGB 3",
        "rotated as EXIF says 1",
        "a 2, b 3",
        "Exact copies of another image: 1 (a/small again.png = a/small.png)",
        "2 cropped (58% of their area lost), 2 enlarged",
        "Transparency in 1 image: painted over #ffffff",
        "none held out under 1,000 images",
        r"b/\x1b[31mred\u202e.png: not an image",
        "link: a link, not followed",
    ):
        assert words in text, words


def test_long_lists_are_cut_short(use: Any, noise: Any) -> None:
    use(noise(30) | {f"bad {index:02}.png": "empty file" for index in range(25)})
    lines = inspect(config())[0].lines()
    assert "  bad 09.png: empty file" in lines and "  bad 10.png: empty file" not in lines
    assert "  and 15 more" in lines


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (7, 2), (20, 4), (50, 4)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_a_contact_sheet_is_at_most_four_by_five(count: int, rows: int, channels: int) -> None:
    sheet = contact_sheet(np.zeros((count, 64, 32, channels), np.uint16))
    assert sheet.dtype == np.uint8
    assert sheet.shape[:2] == (rows * (128 + 4) - 4, 5 * (64 + 4) - 4)


def test_the_command_writes_the_sheet_where_it_is_asked_to(use: Any, noise: Any, tmp_path: Path) -> None:
    use(noise(30))
    outcome = inspect_data(config(), tmp_path / "deep" / "sheet.png")
    assert outcome.sheet is not None and outcome.lines[0] == "fake: 30 images"
    with Image.open(outcome.sheet) as sheet:
        assert sheet.size == (5 * 132 - 4, 4 * 132 - 4)
    with pytest.raises(Unreadable, match="a contact sheet that dcgan drew"):  # it may lie among the images
        decode(outcome.sheet.read_bytes())
    assert inspect_data(config()).sheet is None


def test_a_sheet_that_is_no_png_is_refused_before_the_work(use: Any, noise: Any, tmp_path: Path) -> None:
    source = use(noise(3))
    (tmp_path / "folder.png").mkdir()
    for out in (tmp_path / "sheet.jpg", tmp_path, tmp_path / "folder.png"):
        with pytest.raises(UserError, match="--out"):
            inspect_data(config(), out)
    assert not source.decoded


def test_clearing_the_cache_removes_what_is_ours_and_nothing_else(use: Any, noise: Any, tmp_path: Path) -> None:
    assert clear_cache() == (0, 0)
    source = use(noise(3))
    inspect_data(config())
    folder = files.cache_root() / "prepared"
    outside = tmp_path / "outside.npy"
    outside.write_bytes(b"mine")
    keep = [folder / "notes.txt", folder / "holiday.npy", files.cache_root() / "downloads" / "mnist.gz", outside]
    for path in keep:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    link = folder / ("0" * 32 + ".npy")
    link.symlink_to(outside)
    unfinished = folder / ("rows-" + "0" * 32)
    unfinished.mkdir()
    (unfinished / "000000").write_bytes(b"12345")
    ours = [path for path in folder.iterdir() if path.suffix in (".npy", ".json") and path not in (*keep, link)]
    expected = (len(ours) + 1, sum(path.stat().st_size for path in ours) + 5)
    assert clear_cache() == expected
    assert all(path.read_bytes() == b"mine" for path in keep) and link.is_symlink()
    assert sorted(folder.iterdir()) == sorted([*keep[:2], link])
    inspect_data(config())
    assert len(source.decoded) == 6
