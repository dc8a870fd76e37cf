"""One safetensors file, read with suspicion: every number of its header is checked before a byte of data is.

The format is 8 bytes of length, that much JSON (name → dtype, shape, place), then the tensors without a gap:
https://huggingface.co/docs/safetensors. Reading goes forward once, so that the hash is of the very bytes that
become tensors, and needs no more memory than they do.
"""

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from dcgan.errors import ExitCode, UserError
from dcgan.foreign import open_regular, strict_json
from dcgan.limits import available_memory

MAX_JUDGED_BYTES = 4_000_000_000  # of a malformed file, whose hash would only tell a forger from an accident
MAX_HEADER_BYTES = 4_000_000
MAX_TENSORS = 4_096
MAX_DIMENSIONS = 8
DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


class Malformed(Exception):  # noqa: N818  # it is a state of the file, not of the program
    """Not a safetensors file that this program could have written; the message says why."""


@dataclass(frozen=True)
class TensorFile:
    """What such a file holds."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str]
    sha256: str
    """Of all its bytes."""


@dataclass(frozen=True)
class _Place:
    """Where one tensor lies in the data."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    end: int


def read_as_named(path: Path) -> TensorFile | None:
    """The file whose name ends in the sha256 of its content, or None when it has other content: it is damaged.

    Raises:
        UserError: It is just what was written, but by somebody who does not keep to the format; or it may not be read.
    """
    try:
        with open_regular(path) as file:
            try:
                content = read(file)
            except Malformed as error:
                if os.fstat(file.fileno()).st_size > MAX_JUDGED_BYTES:
                    return None
                file.seek(0)
                if hashlib.file_digest(file, "sha256").hexdigest() != _digest_in(path):  # type: ignore[arg-type]
                    return None
                message = f"{path}: not a checkpoint of this program: {error}."
                raise UserError(message, ExitCode.CHECKPOINT) from error
    except PermissionError as error:
        raise UserError(f"{path}: may not be read ({error.strerror}).", ExitCode.CHECKPOINT) from error
    except OSError:
        return None
    if content.sha256 != _digest_in(path):
        return None
    require_finite(content, path)
    return content


def require_finite(content: TensorFile, path: Path) -> None:
    """Refuse weights among which there is a NaN or an infinity.

    Raises:
        UserError: Names the first tensor that holds one.
    """
    if broken := next((name for name, tensor in content.tensors.items() if not torch.isfinite(tensor).all()), None):
        raise UserError(f"{path}: {broken:.100} holds numbers that are not finite.", ExitCode.CHECKPOINT)


def read(file: BinaryIO) -> TensorFile:
    """Read a whole file from its beginning.

    Raises:
        Malformed: Before any memory is taken for tensors.
    """
    digest, size = hashlib.sha256(), os.fstat(file.fileno()).st_size
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > min(MAX_HEADER_BYTES, size - 8):
        raise Malformed(f"a header of {length:,} bytes in a file of {size:,} (the limit is {MAX_HEADER_BYTES:,})")
    header = file.read(length)
    digest.update(prefix)
    digest.update(header)
    metadata, places = _table(header, size - 8 - length)
    free = available_memory()
    if free is not None and size > free:
        message = f"a checkpoint of {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB of memory are free"
        raise UserError(f"{message}. Close other programs, or use another machine.", ExitCode.MEMORY)
    tensors = {}
    for place in places:
        flat = torch.empty((place.end - place.start) // place.dtype.itemsize, dtype=place.dtype)
        content = flat.view(torch.uint8).numpy().data
        if file.readinto(content) < len(content):  # type: ignore[attr-defined]  # it became shorter while it was read
            raise Malformed(f"cut off within {place.name}")
        digest.update(content)
        tensors[place.name] = flat.reshape(place.shape)
    digest.update(file.read(1))
    return TensorFile(tensors, metadata, digest.hexdigest())


def require_fit(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], what: str) -> None:
    """Refuse tensors that have not exactly the names, shapes and types of those that they are to become.

    Raises:
        UserError: Names the first that does not fit; ``what`` says where it came from.
    """
    for name in sorted(expected.keys() | given.keys()):
        reason = ""
        if name not in given:
            reason = "is missing"
        elif name not in expected:
            reason = "belongs to no part of this network"
        elif given[name].shape != expected[name].shape:
            reason = f"is {_words(given[name].shape)}, this network's is {_words(expected[name].shape)}"
        elif given[name].dtype != expected[name].dtype:
            reason = f"is {given[name].dtype}, this network's is {expected[name].dtype}"
        if reason:
            raise UserError(f"{what}: {name:.100} {reason}. It is of another network.", ExitCode.CHECKPOINT)


def _table(header: bytes, data_bytes: int) -> tuple[dict[str, str], list[_Place]]:
    """The metadata, and the places in order: they fill the data exactly."""
    try:
        table = strict_json(header.decode("utf-8"))
    except ValueError as error:
        raise Malformed(f"its header is no JSON ({error})") from error
    if not isinstance(table, dict) or len(table) > MAX_TENSORS + 1:
        raise Malformed(f"its header is no table of at most {MAX_TENSORS:,} tensors")
    metadata = table.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Malformed("its metadata is not text by name")
    places = sorted((_place(name, entry) for name, entry in table.items()), key=lambda place: (place.start, place.end))
    position = 0
    for place in places:
        if place.start != position:
            raise Malformed(f"{place.name:.100} begins at byte {place.start:,}, the data before it end at {position:,}")
        position = place.end
    if position != data_bytes:
        raise Malformed(f"its tensors declare {position:,} bytes, the file has {data_bytes:,} for them")
    return metadata, places


def _place(name: str, entry: Any) -> _Place:
    """One entry of the header."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"{name:.100} is not described by dtype, shape and data_offsets")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise Malformed(f"{name:.100} is of type {entry['dtype']!r:.40}, none of {', '.join(DTYPES)}")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not _naturals(shape) or len(shape) > MAX_DIMENSIONS:
        raise Malformed(f"{name:.100} has the shape {shape!r:.100}")
    if not _naturals(offsets) or len(offsets) != 2:
        raise Malformed(f"{name:.100} lies at {offsets!r:.100}")
    num_bytes = dtype.itemsize * math.prod(shape)  # Python's integers cannot overflow
    if math.prod(max(1, size) for size in shape) >= 2**60:
        raise Malformed(f"{name:.100} has the shape {shape!r:.100}")
    if offsets[1] - offsets[0] != num_bytes:
        raise Malformed(f"{name:.100} needs {num_bytes:,} bytes, its place has {offsets[1] - offsets[0]:,}")
    return _Place(name, dtype, tuple(shape), *offsets)


def _naturals(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 2**63 for value in values)


def _digest_in(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _words(shape: torch.Size) -> str:
    return " x ".join(map(str, shape)) or "a single number"
