"""Zips made to escape, to explode or to lie: names, sizes, flags and methods of any kind around real images."""

import io
import random
import stat
import struct
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.torture.fuzz_images import good_images
from benchmarks.torture.judge import command, judged
from benchmarks.torture.mutants import NAMES, NUMBERS, mutate

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def run(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge ``count`` archives in all."""
    return judged(case, count, seed, already)


def case(rng: random.Random, folder: Path) -> str:
    """One zip through ``dcgan data``."""
    content = hostile_zip(rng)
    if rng.random() < 0.5:
        content = lie(rng, content)
    if rng.random() < 0.3:
        content = mutate(rng, content)
    path = folder / rng.choice(("x.zip", "x.npz", "x.ZIP", "pictures"))
    path.write_bytes(content)
    return command("data", str(path), "--size", "16")


def hostile_zip(rng: random.Random) -> bytes:
    """A few members, some of them images, under names of which many are traps."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # the same name twice is meant
        for number in range(rng.choice((0, 1, 3, 6, 6))):
            suffix, content = rng.choice(good_images())
            name = rng.choice(NAMES) if rng.random() < 0.5 else f"class {number % 2}/{number}{suffix}"
            info = zipfile.ZipInfo("x")
            info.filename = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:60_000]
            info.compress_type = rng.choice(
                (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            )
            if rng.random() < 0.15:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                content = b"/etc/passwd"
            elif rng.random() < 0.2:
                content = rng.choice((bomb(), nested(), b"", rng.randbytes(100)))
            archive.writestr(info, content)
        archive.comment = rng.choice((b"", b"x" * 65_535, b"PK\5\6" + bytes(18)))
    return buffer.getvalue()


@cache
def bomb() -> bytes:
    return bytes(5_000_000)


@cache
def nested() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.png", bomb())
    return buffer.getvalue()


def lie(rng: random.Random, content: bytes) -> bytes:
    """Other numbers in the central directory or at the end: sizes, offsets, flags, methods, counts."""
    data = bytearray(content)
    places = [place for place in range(len(data)) if data[place : place + 4] == b"PK\1\2"]
    fields = ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (38, 4), (42, 4))
    if places and rng.random() < 0.7:
        for place in rng.sample(places, rng.randint(1, len(places))):
            offset, size = rng.choice(fields)
            data[place + offset : place + offset + size] = (rng.choice(NUMBERS) % 256**size).to_bytes(size, "little")
    end = data.rfind(b"PK\5\6")
    if end >= 0 and rng.random() < 0.4:
        offset, size = rng.choice(((8, 2), (10, 2), (12, 4), (16, 4), (20, 2)))
        data[end + offset : end + offset + size] = (rng.choice(NUMBERS) % 256**size).to_bytes(size, "little")
    if end >= 0 and rng.random() < 0.2:  # the larger format, and any numbers in it
        large = b"PK\6\6" + struct.pack(
            "<QHHIIQQQQ", 44, 45, 45, 0, 0, *(rng.choice((*NUMBERS, 2**63, 2**64 - 1)) for _ in range(4))
        )
        data[end:end] = large + b"PK\6\7" + struct.pack("<IQI", 0, end, 1)
    return bytes(data)
