"""LMDBs of image files: pages read without the library, compared with it, and no page believed."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data.sources.items import Source
from dcgan.data.sources.lmdb_pages import DamagedLmdb, lmdb_entries
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

lmdb = pytest.importorskip("lmdb", reason="writes the files that are read here")


def webp(shade: int, size: int = 4) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (size, 3), (shade,) * 3).save(buffer, "WebP", lossless=True)
    return buffer.getvalue()


def written(path: Path, entries: dict[bytes, bytes]) -> Path:
    with lmdb.open(str(path), map_size=100_000_000, sync=False) as database, database.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    return path


def read(path: Path) -> dict[bytes, bytes]:
    content = (path / "data.mdb").read_bytes()
    with (path / "data.mdb").open("rb") as file:
        entries = list(lmdb_entries(file.fileno(), len(content)))
    return {entry.key: content[entry.offset : entry.offset + entry.size] for entry in entries}


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == ExitCode.DATA
    return str(caught.value)


def test_every_entry_is_found_that_the_library_wrote_in_its_order(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    entries = {
        generator.bytes(int(generator.integers(1, 400))): generator.bytes(
            int(generator.choice([0, 5, 500, 5000, 30_000]))
        )
        for _ in range(1500)
    }
    path = written(tmp_path / "x", entries)
    assert read(path) == entries
    assert list(read(path)) == sorted(entries)
    with lmdb.open(str(path), map_size=100_000_000, sync=False) as database, database.begin(write=True) as transaction:
        for key in sorted(entries)[::3]:
            transaction.delete(key)
    assert list(read(path)) == [key for number, key in enumerate(sorted(entries)) if number % 3]


def test_lsuns_folder_is_a_source_under_its_category(tmp_path: Path) -> None:
    path = written(
        tmp_path / "church_outdoor_train_lmdb", {f"{shade:040x}".encode(): webp(shade) for shade in range(9)}
    )
    source = opened(path)
    assert (source.name, source.form) == ("church_outdoor_train", "LMDB")
    assert [source.read(index).pixels[0, 0, 0] for index in range(9)] == list(range(9))
    assert len(opened(path / "data.mdb").items) == 9


def test_an_empty_database_holds_no_images(tmp_path: Path) -> None:
    assert "no images in it" in refusal(written(tmp_path / "x", {}))


def test_a_database_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x", {f"{shade}".encode(): webp(shade, 100) * 40 for shade in range(9)})
    whole = (path / "data.mdb").read_bytes()
    for length in (0, 100, 5000, len(whole) // 2, len(whole) - 1):
        (path / "data.mdb").write_bytes(whole[:length])
        assert "not a whole LMDB" in refusal(path)


def test_damaged_pages_end_in_an_answer_not_in_a_crash_or_a_circle(tmp_path: Path) -> None:
    path = written(tmp_path / "x", {f"{shade:03}".encode() * 20: bytes(300) for shade in range(200)}) / "data.mdb"
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    answers = set()
    for _ in range(200):
        mutant = bytearray(whole)
        for place in generator.integers(4096, len(mutant), 40):
            mutant[place - place % 4096 + place % 200] = generator.integers(256)
        path.write_bytes(mutant)
        with path.open("rb") as file:
            try:
                entries = list(lmdb_entries(file.fileno(), len(mutant)))
            except DamagedLmdb as error:
                answers.add(str(error).split()[0])
                continue
        assert all(entry.offset >= 0 and entry.offset + entry.size <= len(mutant) for entry in entries)
    assert len(answers) > 2
