"""MXNet's parameter files (``.params``): names and arrays of float32, written and read without MXNet.

The format is that of ``NDArray::Save`` (MXNet 1.9.1, src/ndarray/ndarray.cc), little-endian: a list of arrays, each
with its shape, device and type before its numbers, then a list of names. Nothing in it can be executed.
"""

import math
import struct
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from dcgan.runs.tensor_file import MAX_DIMENSIONS, MAX_TENSORS, Malformed

LIST = 0x112
ARRAYS = {0xF993FAC9, 0xF993FACA}
"""How an array begins: without and with NumPy's meaning of shapes, which ``npx.set_np`` asks for."""
NUMPY_ARRAY = 0xF993FACA
DENSE, ON_CPU, FLOAT32 = 0, 1, 0


def pack(tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a file that ``Block.load_parameters`` reads under ``npx.set_np()``."""
    parts = [struct.pack("<QQQ", LIST, 0, len(tensors))]
    for tensor in tensors.values():
        shape = struct.pack(f"<i{tensor.dim()}q", tensor.dim(), *tensor.shape)
        numbers = tensor.detach().cpu().contiguous().to(torch.float32).numpy().astype("<f4").tobytes()
        parts += [struct.pack("<Ii", NUMPY_ARRAY, DENSE), shape, struct.pack("<iii", ON_CPU, 0, FLOAT32), numbers]
    parts.append(struct.pack("<Q", len(tensors)))
    for name in tensors:
        parts += [struct.pack("<Q", len(name.encode())), name.encode()]
    return b"".join(parts)


def is_mxnet(content: bytes) -> bool:
    """Whether a file begins as MXNet's do."""
    return content[:16] == struct.pack("<QQ", LIST, 0)


def unpack(content: bytes) -> dict[str, Tensor]:
    """The arrays by name, each a copy.

    Raises:
        Malformed: Says what is wrong; nothing larger than the file is ever taken from memory.
    """
    reader = _Reader(content)
    _require(is_mxnet(content), "it does not begin as MXNet's files do")
    reader.take(16)
    arrays = [_array(reader) for _ in range(_count(reader))]
    names = [_name(reader) for _ in range(_count(reader))]
    _require(reader.left == 0, f"{reader.left:,} bytes follow its end")
    _require(len(names) == len(set(names)) == len(arrays), f"{len(arrays)} arrays and {len(set(names))} names")
    return {name.removeprefix("arg:").removeprefix("aux:"): array for name, array in zip(names, arrays, strict=True)}


class _Reader:
    """The bytes of a file from front to back."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def left(self) -> int:
        return len(self._content) - self._at

    def take(self, count: int) -> bytes:
        _require(0 <= count <= self.left, f"it ends {count - self.left:,} bytes too early")
        self._at += count
        return self._content[self._at - count : self._at]

    def numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))


def _array(reader: _Reader) -> Tensor:
    magic, kind, num_axes = reader.numbers("Iii")
    _require(magic in ARRAYS, f"an array begins with {magic:#x}")
    _require(kind == DENSE, "an array is sparse")
    _require(1 <= num_axes <= MAX_DIMENSIONS, f"an array has {num_axes} axes")
    shape = reader.numbers(f"{num_axes}q")
    _, _, kind_of_number = reader.numbers("iii")
    _require(kind_of_number == FLOAT32, f"an array has numbers of type {kind_of_number}, expected 0 (float32)")
    _require(all(0 < size < 2**31 for size in shape), f"an array has the shape {shape}")
    numbers = np.frombuffer(reader.take(4 * math.prod(shape)), "<f4").astype(np.float32)
    return torch.from_numpy(numbers).reshape(shape)


def _count(reader: _Reader) -> int:
    (count,) = reader.numbers("Q")
    _require(count <= MAX_TENSORS, f"it declares {count:,} arrays, the limit is {MAX_TENSORS:,}")
    return count


def _name(reader: _Reader) -> str:
    (length,) = reader.numbers("Q")
    _require(length <= 1_000, f"a name of {length:,} bytes")
    try:
        return reader.take(length).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("a name is not text") from error


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise Malformed(message)
