"""Tars are read where they lie: every dialect, shards as one set, and nothing that a header claims is believed."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.data.sources.tar_members import DamagedTar, tar_members
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig


def png(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


def tarred(path: Path, members: dict[str, bytes], form: int = tarfile.USTAR_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == ExitCode.DATA
    return str(caught.value)


def classes(source: Source) -> dict[str, str | None]:
    return {item.name: None if item.label is None else source.class_names[item.label] for item in source.items}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_member_lies_where_pythons_own_reader_finds_it(tmp_path: Path, form: int) -> None:
    folder = "a" * 60
    members = {f"{folder}/{folder[:30]}/1.png": png(1), "2.png": b"", "ü/3.png": png(3), "4.txt": b"x" * 513}
    if form != tarfile.USTAR_FORMAT:
        members["b" * 300 + ".png"] = png(4)
    path = tarred(tmp_path / "x.tar", members, form)
    with tarfile.open(path) as archive:
        expected = [(info.name, info.offset_data, info.size) for info in archive]
    with path.open("rb") as file:
        found = list(tar_members(file.fileno(), path.stat().st_size))
    assert [(member.name, member.offset, member.size) for member in found] == expected
    assert {member.kind for member in found} == {"file"}


def test_a_tar_is_read_like_the_folder_it_was_made_of(tmp_path: Path) -> None:
    source = opened(tarred(tmp_path / "pets.tar", {"pets/dog/1.png": png(1), "pets/cat/2.png": png(2), "x.txt": b""}))
    assert classes(source) == {"pets/cat/2.png": "cat", "pets/dog/1.png": "dog"}
    assert [source.read(index).pixels[0, 0, 0] for index in range(2)] == [2, 1]
    assert (source.name, source.form) == ("pets", "tar")
    assert source.skipped == [("*.txt", "not an image by its name (1 file)")]


@pytest.mark.parametrize("ending", ["cls", "json"])
def test_the_shards_of_a_webdataset_are_one_set_with_its_labels(tmp_path: Path, ending: str) -> None:
    for shard in range(2):
        members = {}
        for image in range(3):
            label = 10 - image
            members[f"{shard}{image}.seg.png"] = png(shard)
            members[f"{shard}{image}.{ending}"] = (
                str(label).encode() if ending == "cls" else json.dumps({"label": label, "caption": "x"}).encode()
            )
        tarred(tmp_path / f"pets-{shard:06}.tar", members)
    source = opened(tmp_path)
    assert source.class_names == ("8", "9", "10")
    assert [item.name for item in source.items][:2] == ["pets-000000/00.seg.png", "pets-000000/01.seg.png"]
    assert source.form == f"2 tars with WebDataset's .{ending} files"
    assert source.read(5).pixels[0, 0, 0] == 1
    assert source.skipped == []


def test_shards_called_after_splits_are_splits(tmp_path: Path) -> None:
    tarred(tmp_path / "train-0.tar", {"1.png": png(1), "1.cls": b"5"})
    tarred(tmp_path / "test-0.tar", {"2.png": png(2), "2.cls": b"6"})
    source = opened(tmp_path)
    assert [(item.name.rpartition("/")[2], item.test) for item in source.items] == [("2.png", True), ("1.png", False)]
    assert source.class_names == ("5", "6")


@pytest.mark.promise("The names and links inside a tar lead nowhere: nothing is unpacked and no link followed.")
def test_links_devices_and_names_that_lead_out_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("l.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE), ("p.png", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        for name in ("../../out.png", "/abs.png", ".hidden/1.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png())
            archive.addfile(info, io.BytesIO(png()))
    source = opened(path)
    assert [item.name for item in source.items] == ["abs.png", "out.png"]
    assert dict(source.skipped) == {
        "l.png": "a link, not followed",
        "h.png": "a link, not followed",
        "p.png": "not a regular file",
        ".hidden/1.png": "hidden",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]


def test_a_tar_that_is_cut_off_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = tarred(tmp_path / "whole.tar", {"1.png": png(1), "2.png": png(2)}).read_bytes()
    path = tmp_path / "cut.tar"
    for length in (513, 512 + 30, 1024 + 7, 1536 + 3):
        path.write_bytes(whole[:length])
        assert "not a whole tar (cut off inside" in refusal(path)
    for length in (100, 200):
        path.write_bytes(whole[:length])
        assert "not a whole tar" in refusal(path)


def test_no_header_makes_the_reader_ask_for_much_or_go_round(tmp_path: Path) -> None:
    whole = bytearray(tarred(tmp_path / "x.tar", {"1.png": png(1), "2.png": png(2)}, tarfile.PAX_FORMAT).read_bytes())
    generator = np.random.default_rng(0)
    path = tmp_path / "hostile.tar"
    for _ in range(300):
        mutant = bytearray(whole)
        field = int(generator.choice([124, 148, 156, 257]))
        length = int(generator.integers(1, 12))
        mutant[field : field + length] = generator.integers(0, 256, length, dtype=np.uint8).tobytes()
        mutant[148:156] = f"{sum(mutant[:148]) + 256 + sum(mutant[156:512]):06o}\0 ".encode()
        path.write_bytes(mutant)
        with path.open("rb") as file:
            try:
                assert len(list(tar_members(file.fileno(), len(mutant)))) <= 2
            except DamagedTar:
                continue


def test_a_long_name_beyond_reason_is_refused_before_it_is_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2_000_000
    path = tmp_path / "x.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    assert "a name of 2,000,000 bytes" in refusal(path)


def test_a_tar_without_images_says_what_it_holds(tmp_path: Path) -> None:
    assert "Found *.txt: not an image by its name (1 file)" in refusal(tarred(tmp_path / "x.tar", {"a.txt": b"x"}))
