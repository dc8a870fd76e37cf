"""Weights become bytes and back: float32, half precision, or eight bits with a scale for each output."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from dcgan.export.program import Rows

Encoding = Literal["int8", "fp16", "fp32"]

SMALL = 100_000  # weights


def packed(rows: Sequence[Rows], encoding: Encoding) -> tuple[bytes, list[dict[str, Any]]]:
    """All weights in one block of bytes, and where each layer's lie: little endian, each part at a multiple of four.

    With ``int8`` the smallest layers, which together hold up to ``SMALL`` weights, keep half precision. They are
    the last ones, whose errors nothing smooths.
    """
    content = bytearray()

    def put(values: np.ndarray) -> int:
        start = len(content)
        content.extend(values.tobytes())
        content.extend(bytes(-len(content) % 4))
        return start

    entries = []
    for layer, small in zip(rows, _small(rows), strict=True):
        kind = "fp16" if encoding == "int8" and small else encoding
        entry = {"rows": len(layer.weight), "columns": layer.weight.shape[1], "encoding": kind}
        if kind == "int8":
            whole, scales = quantised(layer.weight)
            entry |= {"at": put(whole), "scales": put(scales)}
        else:
            entry["at"] = put(layer.weight.astype("<f2" if kind == "fp16" else "<f4"))
        entries.append(entry | {"bias": put(layer.bias.astype("<f4"))})
    return bytes(content), entries


def unpacked(content: bytes, entries: Sequence[dict[str, Any]]) -> list[Rows]:
    """What a reader of the bytes gets: the weights as float32."""
    return [_unpacked(content, entry) for entry in entries]


def _unpacked(content: bytes, entry: dict[str, Any]) -> Rows:
    shape = (entry["rows"], entry["columns"])
    kind = {"int8": "i1", "fp16": "<f2", "fp32": "<f4"}[entry["encoding"]]
    weight = np.frombuffer(content, kind, shape[0] * shape[1], entry["at"]).reshape(shape).astype(np.float32)
    if entry["encoding"] == "int8":
        weight = weight * np.frombuffer(content, "<f4", shape[0], entry["scales"])[:, None]
    return Rows(weight, np.frombuffer(content, "<f4", shape[0], entry["bias"]))


def quantised(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers from -127 to 127, and for each row the factor that brings them back: float32."""
    largest = np.abs(weight).max(axis=1)
    scales = np.where(largest > 0, largest / 127, 1).astype("<f4")
    return np.round(weight / scales[:, None]).astype(np.int8), scales


def _small(rows: Sequence[Rows]) -> list[bool]:
    """Which layers are the smallest ones that together hold up to ``SMALL`` weights."""
    left = SMALL
    small = [False] * len(rows)
    for index in sorted(range(len(rows)), key=lambda index: rows[index].weight.size):
        left -= rows[index].weight.size
        small[index] = left >= 0
    return small
