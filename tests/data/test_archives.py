"""Zips are read where they lie: names are labels, nothing is unpacked, and no image is lost to an encoding."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from dcgan.data.decoding.decode import Unreadable
from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig


def png(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == ExitCode.DATA
    return str(caught.value)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


class Unflagged(zipfile.ZipInfo):
    """A member whose name is these bytes, with no word on what they mean."""

    raw = b""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802  # zipfile's own name
        return self.raw, self.flag_bits & ~0x800


def zipped_unflagged(path: Path, stored_names: list[bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for shade, raw in enumerate(stored_names):
            info = Unflagged("x")
            info.filename, info.raw = raw.decode("cp437"), raw
            archive.writestr(info, png(shade))
    return path


def names(source: Source) -> list[str]:
    return [item.name for item in source.items]


def test_a_zip_is_read_like_the_folder_it_was_made_of(tmp_path: Path) -> None:
    members = {"sprites/0001/a.png": png(1), "sprites/0002/b.png": png(2), "sprites/readme.txt": b"text"}
    source = opened(zipped(tmp_path / "my sprites.zip", members))
    assert source.name == "my-sprites"
    assert source.class_names == ("0001", "0002")
    assert [(item.name, item.label) for item in source.items] == [
        ("sprites/0001/a.png", 0),
        ("sprites/0002/b.png", 1),
    ]
    assert source.read(1).pixels[0, 0, 0] == 2
    assert source.skipped == [("*.txt", "not an image by its name (1 file)")]
    assert list(tmp_path.iterdir()) == [tmp_path / "my sprites.zip"]
    source.close()


@pytest.mark.promise(
    "The names inside a zip are only labels: nothing is unpacked, and nothing is written where they point."
)
def test_names_in_a_zip_are_only_labels(tmp_path: Path) -> None:
    hostile = ["../../escape.png", "/etc/passwd.png", "C:\\windows\\x.png", "a\x1b[2Jb.png", "__MACOSX/._x.png"]
    source = opened(zipped(tmp_path / "z.zip", dict.fromkeys(hostile, png())))
    assert names(source) == ["C:\\windows\\x.png", "a\\x1b[2Jb.png", "escape.png", "etc/passwd.png"]
    assert source.read(2).pixels.shape == (3, 4, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["z.zip"]
    source.close()


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (["Käfer/1.png".encode(), "Ka\u0308fer/2.png".encode()], ["Käfer/1.png", "Käfer/2.png"]),
        (["Käfer/1.png".encode("cp437")], ["Käfer/1.png"]),
        (["表.png".encode("cp932"), "ソ1.png".encode("cp932")], None),
        (["予定/能面.png".encode("cp932"), "予定/十.png".encode("cp932")], None),
        ([b"cat\\1.png", b"dog\\2.png"], ["cat/1.png", "dog/2.png"]),
        (["M\u00fccke\\1.png".encode()], ["Mücke/1.png"]),
        ([b"cat/1.png", b"dog/a\\b.png"], ["cat/1.png", "dog/a\\b.png"]),
    ],
)
def test_names_without_a_flag_are_utf8_where_they_can_be_and_no_image_is_lost(
    tmp_path: Path, stored: list[bytes], expected: list[str] | None
) -> None:
    source = opened(zipped_unflagged(tmp_path / "z.zip", stored))
    assert len(source.items) == len(stored)
    assert source.skipped == []
    assert expected is None or names(source) == expected
    source.close()


def test_encrypted_linked_and_strangely_compressed_members_are_skipped_by_name(tmp_path: Path) -> None:
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.png", png())
        archive.writestr("secret.png", png())
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("odd.png", png(), compress_type=zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\1\2", 0, content.rindex(b"secret.png"))
    content[entry + 8] |= 1
    path.write_bytes(content)
    source = opened(path)
    assert names(source) == ["good.png"]
    assert dict(source.skipped) == {
        "link.png": "a link, not followed",
        "odd.png": "compressed in an unusual way (method 14)",
        "secret.png": "encrypted",
    }
    source.close()


def test_a_damaged_member_is_unreadable_and_a_damaged_zip_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.png": png(1), "b.png": png(2)})
    content = bytearray(path.read_bytes())
    content[45] ^= 255
    path.write_bytes(content)
    source = opened(path)
    with pytest.raises(Unreadable, match="damaged inside the zip"):
        source.read(0)
    assert source.read(1).pixels[0, 0, 0] == 2
    source.close()
    path.write_bytes(content[:-30])
    assert "not a zip that can be read" in refusal(path)


def test_a_member_without_a_name_is_left_out(tmp_path: Path) -> None:
    path = zipped(tmp_path / "z.zip", {"a.png": png(), "x": b"text"})
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
    source = opened(path)
    assert names(source) == ["a.png"]
    source.close()


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "z.zip", {f"{number}.png": bytes(2_000_000) for number in range(3)})
    monkeypatch.setattr("dcgan.data.sources.archives.MAX_EXPANSION", 100)
    assert "look like a zip bomb" in refusal(path)
    monkeypatch.setattr("dcgan.data.sources.archives.MAX_EXPANSION", 1100)
    monkeypatch.setattr("dcgan.data.sources.archives.MAX_FILE_BYTES", 1_000_000)
    assert "expands to 2,000,000 bytes" in refusal(path)


def test_several_threads_read_at_once(tmp_path: Path) -> None:
    source = opened(zipped(tmp_path / "z.zip", {f"{shade:03}.png": png(shade) for shade in range(200)}))
    with ThreadPoolExecutor(8) as pool:
        shades = list(pool.map(lambda index: int(source.read(index).pixels[0, 0, 0]), range(200)))
    assert shades == list(range(200))
    source.close()
