"""The two old formats of benchmark images: IDX (the MNIST family) and CIFAR-10's binary archive."""

import gzip
import math
import re
import struct
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

import numpy as np

from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.sources.arrays import Arrays
from dcgan.data.sources.items import Source
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import Bounded, open_regular
from dcgan.pickles import refuse_pickle

_UINT8 = 0x08
_CIFAR_BYTES = 200_000_000  # of the whole archive, unpacked; a header of tar may ask for any amount of memory
_CIFAR_RECORD = 1 + 3 * 32 * 32
_CIFAR_MEMBERS = re.compile(r"(?:.*/)?(data_batch_[1-5]|test_batch)\.bin")


def find_idx(folder: Path) -> Path | None:
    """The training images of an MNIST-like data set, if this folder holds one."""
    found = sorted(folder.glob("train-images[-.]idx3-ubyte*"))
    return next((path for path in found if path.name.endswith(("ubyte", "ubyte.gz"))), None)


def open_idx(path: Path, *, name: str = "", class_names: Sequence[str] = ()) -> Source:
    """Images, the labels beside them, and the test split (t10k) beside a training split (train)."""
    paths = [path]
    if path.name.startswith("train"):
        paths += [other for other in _siblings(path, "train", "t10k") if other.is_file()][:1]
    splits = []
    for images in paths:
        labels = next((other for other in _siblings(images, "images", "labels") if other.is_file()), None)
        splits.append((read_idx(images), read_idx(labels) if labels else None))
    return Arrays(path, splits, class_names=class_names, name=name)


def read_idx(path: Path) -> np.ndarray:
    """One .idx or .idx.gz file of bytes → uint8, of the shape in its header.

    Raises:
        UserError: Another format, or shorter than its header says.
    """
    try:
        with open_regular(path) as stored, _unpacked(stored) as file:
            zeros, kind, num_dimensions = struct.unpack(">HBB", file.read(4))
            if zeros != 0 or kind != _UINT8 or num_dimensions not in (1, 3):
                _refuse(path, "not an IDX file of bytes (images n x h x w, or labels n)")
            shape = struct.unpack(f">{num_dimensions}I", file.read(4 * num_dimensions))
            num_bytes = math.prod(shape)
            if is_bomb(num_bytes, path.stat().st_size):
                _refuse(path, f"declares {' x '.join(map(str, shape))}, more than the file can hold")
            content = file.read(num_bytes)
    except UserError:
        raise
    except Exception as error:  # hostile bytes make gzip raise anything
        _refuse(path, f"damaged ({error})")
    if len(content) < num_bytes:
        _refuse(path, f"cut off: {len(content):,} of {num_bytes:,} bytes")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _unpacked(file: BinaryIO) -> BinaryIO:
    """Through gzip if the file is compressed, whatever it is called."""
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if compressed else file


def open_cifar10(path: Path, *, name: str = "", class_names: Sequence[str] = ()) -> Source:
    """CIFAR-10's binary tar.gz: records of a label and three planes of 32 x 32. Nothing is unpacked to disk."""
    batches: dict[str, np.ndarray] = {}
    num_bytes = 0
    try:
        with open_regular(path) as stored:
            stream: Any = Bounded(_unpacked(stored))
            archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115  # closing it would change nothing
            for member in archive:
                num_bytes += member.size
                if num_bytes > _CIFAR_BYTES:
                    _refuse(
                        path, f"unpacks to more than {_CIFAR_BYTES:,} bytes, the only tar.gz read here is CIFAR-10's"
                    )
                stream.allow(member.size)
                match = _CIFAR_MEMBERS.fullmatch(member.name)
                file = archive.extractfile(member) if match and member.isreg() else None
                if not match or file is None:
                    continue
                if member.size % _CIFAR_RECORD or member.size > 10_000 * _CIFAR_RECORD:
                    _refuse(path, f"{match[1]} is not 10,000 records of {_CIFAR_RECORD} bytes")
                batches[match[1]] = np.frombuffer(file.read(), dtype=np.uint8).reshape(-1, _CIFAR_RECORD)
    except UserError:
        raise
    except Exception as error:  # hostile bytes make tarfile raise anything
        _refuse(path, f"not a tar.gz that can be read ({error})")
    train = [batch for name, batch in sorted(batches.items()) if name.startswith("data")]
    if not train:
        refuse_pickle(path, "CIFAR-10's binary version")
        _refuse(path, "holds no data_batch_1.bin … 5.bin; the only tar.gz read here is CIFAR-10's binary version")
    test = [batches["test_batch"]] if "test_batch" in batches else []
    return Arrays(path, [_cifar_split(split) for split in (train, test) if split], class_names=class_names, name=name)


def _cifar_split(batches: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Records → images n h w c and labels n."""
    records = np.concatenate(batches)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0].astype(np.int64)


def _siblings(path: Path, old: str, new: str) -> list[Path]:
    """Where the companion of an IDX file may lie: images ↔ labels (idx3 ↔ idx1), with and without .gz."""
    name = path.name.replace(old, new).removesuffix(".gz")
    name = name.replace("idx3", "idx1") if new == "labels" else name
    return [path.with_name(name + ending) for ending in ("", ".gz")]


def _refuse(path: Path, reason: str) -> NoReturn:
    raise UserError(f"{path}: {reason}.", ExitCode.DATA)
