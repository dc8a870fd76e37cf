"""Arrays made to lie: .npy, .npz, IDX, TIFF stacks and CIFAR-10's tar, their headers at odds with their bytes."""

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from benchmarks.torture.judge import command, judged
from benchmarks.torture.mutants import NAMES, NUMBERS, mutate
from dcgan.data.sources.items import printable

SHAPES = (
    "(6, 16, 16)",
    "(-6, 16, 16)",
    "(2**62, 16, 16)",
    "(10**30, 1, 8)",
    "()",
    "(6,)",
    "(1536,)",
    "(6, 16, 16, 0)",
    "(0, 16, 16)",
)
SHAPES += (
    "(6, 16, 16, 1, 1, 1)",
    "'x'",
    "(6.0, 16, 16)",
    "(True, 16, 96)",
    "(100000, 4, 5)",
    "(1536, 1, 1)",
    "(" * 300 + ")" * 300,
)
TYPES = (
    "'|u1'",
    "'<u2'",
    "'|O'",
    "'<f4'",
    "'|S1000000'",
    "'<U99999999'",
    "'|V1'",
    "[('a', '|u1')]",
    "[('a', 'O')]",
    "'x'",
    "7",
    "'<M8[ns]'",
)


def run(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge ``count`` data files in all."""
    return judged(case, count, seed, already)


def case(rng: random.Random, folder: Path) -> str:
    """One file through ``dcgan data``."""
    make = rng.choice((npy, npz, idx, stack, cifar))
    return command("data", str(make(rng, folder)), "--size", "16")


def spoiled(rng: random.Random, content: bytes, chance: float = 0.6) -> bytes:
    return mutate(rng, content) if rng.random() < chance else content


@cache
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 16, 16), dtype=np.uint8)


def npy_bytes(rng: random.Random) -> bytes:
    """A header of any kind before honest bytes; sometimes an array of objects, which is a pickle."""
    if rng.random() < 0.1:
        buffer = io.BytesIO()
        np.save(buffer, np.array([{}, open], dtype=object), allow_pickle=True)
        return buffer.getvalue()
    shape = rng.choice(SHAPES) if rng.random() < 0.6 else "(6, 16, 16)"
    dtype = rng.choice(TYPES) if rng.random() < 0.5 else "'|u1'"
    order = rng.choice(("True", "False", "False", "None"))
    shape = shape.replace("2**62", str(2**62)).replace("10**30", "1" + "0" * 30)
    header = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}"
    version = rng.choice((b"\1\0", b"\1\0", b"\2\0", b"\3\0", b"\xff\xff"))
    text = header.encode() + b" " * rng.choice((0, 7, 50_000)) + b"\n"
    length = len(text) if rng.random() < 0.8 else rng.choice(NUMBERS)
    size = 2 if version == b"\1\0" else 4
    return b"\x93NUMPY" + version + (length % 256**size).to_bytes(size, "little") + text + pictures().tobytes()


def npy(rng: random.Random, folder: Path) -> Path:
    path = folder / "x.npy"
    path.write_bytes(spoiled(rng, npy_bytes(rng), 0.4))
    return path


def npz(rng: random.Random, folder: Path) -> Path:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name in rng.choice(
            (["x_train", "y_train"], ["x_train", "y_train", "x_test", "y_test"], ["images"], ["images", "labels"])
        ):
            content = label_bytes(rng) if name.startswith(("y", "l")) else npy_bytes(rng)
            archive.writestr(
                name + ".npy" if rng.random() < 0.95 else printable(rng.choice(NAMES)[:1000]) or "x", content
            )
        if rng.random() < 0.1:
            archive.writestr("zeros.npy", bytes(30_000_000))
    path = folder / "x.npz"
    path.write_bytes(spoiled(rng, buffer.getvalue(), 0.4))
    return path


def label_bytes(rng: random.Random) -> bytes:
    buffer = io.BytesIO()
    values = rng.choice(
        (
            np.arange(6),
            np.array(list("abcdef")),
            np.array(["\x1b[31m"] * 6),
            np.zeros((6, 6)),
            np.array(7),
            np.arange(5),
            np.array([2**63] * 6, dtype=np.uint64),
        )
    )
    np.save(buffer, values)
    return buffer.getvalue()


def idx_bytes(rng: random.Random, shape: tuple[int, ...]) -> bytes:
    numbers = [rng.choice(NUMBERS) if rng.random() < 0.25 else size for size in shape]
    kind = rng.choice((8, 8, 8, 8, 9, 13, 255))
    dimensions = len(shape) if rng.random() < 0.9 else rng.choice((0, 1, 2, 3, 4, 255))
    body = pictures().tobytes()[: int(np.prod(shape))]
    return b"\0\0" + bytes([kind, dimensions]) + struct.pack(f">{len(numbers)}I", *numbers) + body


def idx(rng: random.Random, folder: Path) -> Path:
    data = folder / "digits"
    data.mkdir()
    pack: Callable[[bytes], bytes] = gzip.compress if rng.random() < 0.5 else bytes
    ending = rng.choice((".gz", "")) if rng.random() < 0.2 else ".gz" if pack is gzip.compress else ""
    for split in ("train", "t10k"):
        for name, shape in (("images-idx3-ubyte", (6, 16, 16)), ("labels-idx1-ubyte", (6,))):
            if rng.random() < 0.9:
                content = bytes(50_000_000) if rng.random() < 0.02 else idx_bytes(rng, shape)
                (data / f"{split}-{name}{ending}").write_bytes(spoiled(rng, pack(content), 0.25))
    return data if rng.random() < 0.7 else data / f"train-images-idx3-ubyte{ending}"


def stack(rng: random.Random, folder: Path) -> Path:
    buffer = io.BytesIO()
    shape = rng.choice(((6, 16, 16), (6, 16, 16, 3), (2, 3, 16, 16)))
    dtype = rng.choice((np.uint8, np.uint16, np.float32))
    tifffile.imwrite(
        buffer,
        np.ones(shape, dtype),
        compression=rng.choice((None, None, "zlib")),
        bigtiff=rng.random() < 0.3,
        photometric="rgb" if shape[-1] == 3 else "minisblack",
    )
    path = folder / "x.tif"
    path.write_bytes(spoiled(rng, buffer.getvalue(), 0.9))
    return path


def cifar(rng: random.Random, folder: Path) -> Path:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("cifar-10/data_batch_1.bin", "test_batch.bin", rng.choice(NAMES)[:90] or "x"):
            info = tarfile.TarInfo(name.replace("\0", "") if rng.random() < 0.8 else "data_batch_2.bin")
            info.type = rng.choice(
                (tarfile.REGTYPE,) * 6 + (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE)
            )
            info.linkname = "/etc/passwd"
            content = bytes([rng.randrange(12)]) + bytes(3072) if rng.random() < 0.8 else rng.randbytes(50)
            info.size = len(content) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(content))
    content = bytearray(spoiled(rng, buffer.getvalue(), 0.3))
    if rng.random() < 0.3 and len(content) > 600:  # a size of any kind, the checksum right
        content[124:136] = rng.choice((b"77777777777\0", b"\x80" + b"\xff" * 11, b"00000000000\0", b"-1         \0"))
        content[156:157] = rng.choice((b"0", b"L", b"x", b"K", b"S"))
        content[148:156] = b"        "
        content[148:156] = b"%06o\0 " % sum(content[:512])
    path = folder / "x.tar.gz"
    path.write_bytes(spoiled(rng, gzip.compress(bytes(content)), 0.2))
    return path
