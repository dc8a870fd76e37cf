"""Small files that ask for much: each is refused before it gets it, in little memory and little time."""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from benchmarks.torture.fuzz_images import png_chunk, run_length_bmp
from benchmarks.torture.judge import alarm, exit_code, peak, reset_peak
from dcgan.data.decoding.decode import decode
from dcgan.data.sources.items import Unreadable
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import strict_json
from dcgan.runs.config_file import as_toml
from dcgan.settings.config import Config

MEGABYTES = 200
ZEROS = bytes(10_000_000)


def deflated(count: int) -> bytes:
    """``count`` times ten million zeros, compressed without holding them all."""
    compressor = zlib.compressobj(9)
    return b"".join(compressor.compress(ZEROS) for _ in range(count)) + compressor.flush()


def gz(count: int, first: bytes = b"") -> bytes:
    """``first`` and ``count`` times ten million zeros, each a gzip file of its own: readers go on with the next."""
    return gzip.compress(first) + gzip.compress(ZEROS) * count


def digits(folder: Path) -> Path:
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(gz(100, struct.pack(">HBB3I", 0, 8, 3, 250_000, 50, 80)))
    return path


def array(folder: Path) -> Path:
    path = folder / "x.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (75_000, 50, 80)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x_train.npy", "w") as file:
        file.write(header.getvalue())
        for _ in range(30):
            file.write(ZEROS)
    return path


def many_images(folder: Path) -> Path:
    path = folder / "x.npz"
    np.savez_compressed(path, x_train=np.zeros((3_000_000, 5, 6), np.uint8))
    return path


def member(folder: Path) -> Path:
    path = folder / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.png", "w") as file:
        for _ in range(15):
            file.write(ZEROS)
    return path


def tar_header(folder: Path, kind: bytes) -> Path:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 8_000_000_000
    path = folder / "x.tar.gz"
    path.write_bytes(gz(30, info.tobuf(tarfile.GNU_FORMAT)))
    return path


def endless_tar(folder: Path) -> Path:
    """A member of 2 ** 87 bytes, the checksum right: a stream is skipped in pieces of 10 kilobytes."""
    header = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\x80\x7f" + b"\xff" * 10
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = folder / "x.tar.gz"
    path.write_bytes(gzip.compress(bytes(header)))
    return path


def strip(folder: Path) -> Path:
    """A TIFF of 16-bit colour whose one strip unpacks to ten times what it declares."""
    pixels = np.zeros((10, 10, 3), np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, compression="zlib", rowsperstrip=10, photometric="rgb")
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as document:
        page = document.pages[0]
        offset, count = page.dataoffsets[0], page.databytecounts[0]
        place = page.tags["StripByteCounts"].valueoffset
    bomb = deflated(25)
    content = bytearray(buffer.getvalue()[:offset] + bomb + buffer.getvalue()[offset + count :])
    content[place : place + 4] = struct.pack("<I", len(bomb))
    path = folder / "x.tif"
    path.write_bytes(content)
    return path


BOMBS: dict[str, Callable[[Path], Path]] = {
    "IDX": digits,
    "npz": array,
    "npz of tiny images": many_images,
    "zip": member,
    "tar with a name of 8 GB": lambda folder: tar_header(folder, tarfile.GNUTYPE_LONGNAME),
    "tar with a size beyond all measure": endless_tar,
    "tar with a comment of 8 GB": lambda folder: tar_header(folder, tarfile.XHDTYPE),
    "TIFF": strip,
}


@pytest.mark.promise("Archives that unpack to more than they could honestly hold are refused before they are unpacked.")
@pytest.mark.parametrize("make", BOMBS.values(), ids=list(BOMBS))
def test_a_bomb_does_not_go_off(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path)
    before = reset_peak()
    with alarm(10):
        assert exit_code("data", str(path), "--size", "16") == ExitCode.DATA
    assert peak() - before < MEGABYTES


def test_the_tiff_bomb_is_refused_for_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="unpacks to more than it declares"):
        decode(strip(tmp_path).read_bytes())


def endless_line() -> bytes:
    """A BMP of 4-bit run lengths whose pixels Pillow would set one by one."""
    content = bytearray(run_length_bmp(9_999, 9_999, b"\xff\x12" * 300_000))
    content[28:32] = struct.pack("<HH", 4, 0)[:2] + content[30:32]
    content[30:34] = struct.pack("<I", 2)
    return bytes(content)


def profile_bomb() -> bytes:
    head = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    bomb = b"x\0\0" + deflated(8)
    chunks = (
        (b"IHDR", head),
        (b"iCCP", bomb),
        (b"zTXt", bomb),
        (b"IDAT", zlib.compress(bytes(16 * 49))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


def chain() -> bytes:
    """A TIFF of two hundred thousand pages, each of which says next to nothing."""
    pages = bytearray(b"II*\0\x08\0\0\0")
    for number in range(200_000):
        tags = struct.pack("<HHII", 256, 3, 1, 1) + struct.pack("<HHII", 257, 3, 1, 1)
        following = 0 if number == 199_999 else len(pages) + 2 + len(tags) + 4
        pages += struct.pack("<H", 2) + tags + struct.pack("<I", following)
    return bytes(pages)


def sky() -> bytes:
    """A hundred million pixels of one blue, in a fifth of a megabyte."""
    rows = zlib.compressobj(9)
    row = bytes(1 + 3 * 9_999) * 101
    body = b"".join(rows.compress(row) for _ in range(99)) + rows.flush()
    head = struct.pack(">IIBBBBB", 9_999, 9_999, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


@pytest.mark.parametrize("make", [endless_line, profile_bomb, chain, sky])
def test_an_image_that_would_take_minutes_or_gigabytes_does_not(make: Callable[[], bytes]) -> None:
    content = make()
    before = reset_peak()
    with alarm(10):
        try:
            assert decode(content).pixels.size < 1_000_000
        except Unreadable as error:
            assert str(error).isprintable()
    assert peak() - before < MEGABYTES


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5_000, "NaN", "-Infinity", "1e999", '{"a": 1, "a": 2}', ""]
)
def test_json_that_only_python_takes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # any of Python's own words will do
        strict_json(text)


def test_the_disk_of_the_cache_may_refuse(critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_CACHE", "/proc/nowhere")
    assert exit_code("data", str(critters_npy), "--size", "16") == ExitCode.DISK
    monkeypatch.undo()
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path))
    for out in ("/proc/run", "/dev/null", "/dev/null/run"):
        assert exit_code("train", str(critters_npy), "--size", "16", "--budget", "64", "--out", out) == ExitCode.DISK


def test_a_name_of_broken_unicode_is_refused_with_the_way_out(critters_npy: Path, tmp_path: Path) -> None:
    broken = tmp_path / "caf\udce9.npy"
    broken.write_bytes(critters_npy.read_bytes())
    with pytest.raises(UserError, match="rename"):
        as_toml(Config().asked({"data.source": str(broken)}))
    assert exit_code("data", str(broken), "--size", "16") == ExitCode.OK
    small = ("--size", "16", "--budget", "64", "--device", "cpu", "--precision", "fp32", "--out", str(tmp_path / "run"))
    assert exit_code("train", str(broken), *small) == ExitCode.USAGE
