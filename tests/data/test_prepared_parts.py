"""A source prepared in parts by processes that know nothing of each other is what one process would have made of it."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.commands.data import inspect_data, prepare_part
from dcgan.data import cache, parts
from dcgan.data.dataset import Dataset
from dcgan.data.parts import Part, merge
from dcgan.data.prepare import prepare
from dcgan.errors import UserError
from dcgan.settings.knobs import DataConfig


def image(generator: np.random.Generator, number: int) -> bytes:
    """One of many kinds: grey, colour, transparent, 16 bits, of several sizes."""
    mode = ("L", "RGB", "RGBA", "I;16", "RGB")[number % 5]
    size = (int(generator.integers(10, 40)), int(generator.integers(10, 40)))
    shape = (*size, {"L": 1, "RGB": 3, "RGBA": 4, "I;16": 1}[mode])
    if mode == "I;16":
        picture = Image.fromarray(generator.integers(0, 65536, size, dtype=np.uint16))
    else:
        picture = Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8).squeeze())
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of 60 images of two classes, with copies and with files that are no images."""
    generator = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("images") / "mixed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(60):
            content = b"no image" if number % 13 == 5 else image(generator, number)
            archive.writestr(f"{'ab'[number % 2]}/{number:02}.png", content)
            if number % 20 == 3:
                archive.writestr(f"b/copy{number:02}.png", content)
    return path


def same(one: Dataset, other: Dataset) -> bool:
    arrays = ("pixels", "labels", "train", "held_out")
    return (
        all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
        and (one.fingerprint, one.labelled_fingerprint) == (other.fingerprint, other.labelled_fingerprint)
        and (one.names, one.class_names, one.report) == (other.names, other.class_names, other.report)
    )


@pytest.mark.promise("Images prepared in parts and joined are, bit for bit, what one process makes of them.")
@pytest.mark.parametrize(("count", "options"), [(1, {}), (3, {"limit": 20}), (7, {"bits": "16"}), (80, {})])
def test_parts_put_together_are_what_one_process_makes(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, options: dict[str, object]
) -> None:
    config = DataConfig(source=str(images), height=16, width=16, **options)
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "one"))
    expected = prepare(config)
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "parts"))
    missing = [parts.prepare_part(config, Part(number, count))[1] for number in np.random.permutation(count) + 1]
    assert missing == list(range(count - 1, -1, -1))
    assert same(merge(config), expected)
    assert same(prepare(config), expected)
    assert sorted(path.suffix for path in cache.folder().iterdir()) == [".json", ".npy"]


def test_no_image_is_read_twice_nor_once_the_parts_are_joined(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    config = DataConfig(source=str(images), height=16, width=16)
    read: list[int] = []
    for part in ("1/2", "2/2", "1/2"):
        prepare_part(config, part, lambda done, total: read.append(total))
    assert len(read) == 63
    inspect_data(config, progress=lambda done, total: read.append(total), merge=True)
    assert len(read) == 63


def test_what_is_missing_or_damaged_is_named(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    config = DataConfig(source=str(images), height=16, width=16)
    with pytest.raises(UserError, match=r"no part of .* is in"):
        merge(config)
    (line,) = prepare_part(config, "2/3")
    assert "21 items read" in line and "2 of the 3 are missing there" in line
    with pytest.raises(UserError, match="2 of 3 parts are missing: --part 1/3, 3/3"):
        merge(config)
    prepare_part(config, "1/3")
    assert "--merge joins them" in prepare_part(config, "3/3")[0]
    (place,) = cache.folder().glob("part-*-00002-of-00003")
    whole = (place / "part.json").read_bytes()
    for damaged in (whole[:-50], b"[]", json.dumps(json.loads(whole) | {"bad": [[1]]}).encode()):
        (place / "part.json").write_bytes(damaged)
        with pytest.raises(UserError, match=r"part 2/3 is damaged .* prepare it again: --part 2/3"):
            merge(config)
    (place / "part.json").write_bytes(whole)
    (place / "000000").write_bytes((place / "000000").read_bytes()[:-1])
    with pytest.raises(UserError, match="part 2/3 is damaged"):
        merge(config)


def test_parts_of_a_source_that_changed_are_not_joined(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    prepare_part(DataConfig(source=str(images), height=16, width=16), "1/1")
    with pytest.raises(UserError, match="as you ask for it now"):
        merge(DataConfig(source=str(images), height=32, width=32))


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "-1/3", "1/3/5", "1/99999", "a/b", "1/0"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"--part .*must be I/N"):
        Part.parse(text)


def test_every_item_belongs_to_one_part() -> None:
    for total, count in ((0, 3), (1, 3), (10, 3), (64, 64), (1000, 7)):
        items = [number for part in range(1, count + 1) for number in Part(part, count).items(total)]
        assert items == list(range(total))
