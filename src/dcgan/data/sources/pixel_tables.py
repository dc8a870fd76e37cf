"""Reads images whose pixels are the columns of a CSV, as competitions hand out MNIST and its kin."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np

from dcgan.data.sources.arrays import Arrays
from dcgan.data.sources.items import Source, printable
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import open_regular
from dcgan.settings.knobs import LONGEST

_MOST_BYTES = 4_000_000_000
_MOST_LINE_BYTES = 4_000_000
_LINES_AT_ONCE = 2_048
_LABELS = {"label", "labels", "class", "class_label", "category", "target", "y", "emotion", "character"}
_SPLITS = {"usage", "split"}
_ASIDE = {"", "id", "index", "unnamed: 0", "image_id", "filename", "file_name"}
_EXPECTED = "label,pixel0,pixel1,… with numbers from 0 to 255, as many pixels as a square image has"


@dataclass(frozen=True)
class _Layout:
    """Which columns hold what."""

    before: tuple[str, ...]
    """Of each column before the pixels: ``label``, ``split``, or nothing that is used."""
    after: tuple[str, ...]
    num_pixels: int | None
    """None: one column holds them all, separated by spaces."""


def open_csv(path: Path) -> Source:
    """One table; beside one called train, that of the same name called test is the official test split.

    Raises:
        UserError: Not such a table.
    """
    images, labels, test = _read(path)
    splits = [(images, labels)]
    if test is not None and test.any() and not test.all():
        splits = [(images[~test], _part(labels, ~test)), (images[test], _part(labels, test))]
    other = path.with_name(path.name.replace("train", "test"))
    if "train" in path.name and other != path and other.is_file():
        images, other_labels, _ = _read(other)
        if (other_labels is None) == (labels is None) and images.shape[1:] == splits[0][0].shape[1:]:
            splits.append((images, other_labels))
    mode = "RGB" if splits[0][0].ndim == 4 else "L"
    return Arrays(path, splits, mode=mode, form="CSV of pixels")


def _part(labels: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if labels is None else labels[rows]


def _read(path: Path) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Images n h w or n h w 3; labels, and which rows are for testing, if there are such columns."""
    blocks: list[np.ndarray] = []
    words: list[list[str]] = []
    try:
        with open_regular(path) as file:
            if (size := path.stat().st_size) > _MOST_BYTES:
                _refuse(path, f"{size:,} bytes", f"at most {_MOST_BYTES:,}; a .npy array has no such limit")
            layout = _layout(path, file)
            lines = _lines(path, file)
            while block := list(islice(lines, _LINES_AT_ONCE)):
                blocks.append(_parsed(path, layout, block, words))
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    if not blocks:
        _refuse(path, "no rows", _EXPECTED)
    roles = (*layout.before, *layout.after)
    columns = {role: np.array([row[number] for row in words]) for number, role in enumerate(roles) if role}
    pixels = np.concatenate(blocks)
    labels = columns.get("label")
    if labels is not None and all(label.isascii() and label.isdigit() and len(label) < 10 for label in labels):
        labels = labels.astype(np.int64)
    test = np.array(["test" in word.lower() for word in columns["split"]]) if "split" in columns else None
    return pixels.reshape(len(pixels), *_shape(path, pixels.shape[1])), labels, test


def _layout(path: Path, file: BinaryIO) -> _Layout:
    """What the first line tells; the file then stands before the first row."""
    fields = _text(path, file.readline(_MOST_LINE_BYTES)).split(",")
    names = [field.strip().strip('"').lower() for field in fields]
    if all(_is_number(name) for name in names):  # no header: the label comes first if there is one
        file.seek(0)
        has_label = _side(len(names)) is None and _side(len(names) - 1) is not None
        return _Layout(("label",) if has_label else (), (), len(names) - has_label)
    roles = [_role(name) for name in names]
    pixels = [number for number, role in enumerate(roles) if role == "pixels"]
    if not pixels or pixels[-1] - pixels[0] != len(pixels) - 1:
        _refuse(path, f"columns {', '.join(map(printable, names[:6]))}", _EXPECTED)
    ends = [roles[: pixels[0]], roles[pixels[-1] + 1 :]]
    before, after = (tuple("" if role == "aside" else role for role in part) for part in ends)
    return _Layout(before, after, None if names[pixels[0]] == "pixels" else len(pixels))


def _role(name: str) -> str:
    if name in _LABELS:
        return "label"
    return "split" if name in _SPLITS else "aside" if name in _ASIDE else "pixels"


def _parsed(path: Path, layout: _Layout, lines: Sequence[str], words: list[list[str]]) -> np.ndarray:
    """The pixels of some lines, one row each; what stands beside them goes to ``words``."""
    numbers = []
    for line in lines:
        *before, rest = line.split(",", len(layout.before))
        rest, *after = rest.rsplit(",", len(layout.after))
        row = len(words) + 1
        if len(before) < len(layout.before) or len(after) < len(layout.after):
            _refuse(path, f"row {row:,} has too few columns", _EXPECTED)
        words.append([field.strip().strip('"') for field in (*before, *after)])
        rest = rest.strip().strip('"').replace(" ", ",") if layout.num_pixels is None else rest
        numbers.append(rest)
    counts = {text.count(",") + 1 for text in numbers}
    if len(counts) > 1 or (layout.num_pixels is not None and counts != {layout.num_pixels}):
        usual = layout.num_pixels or numbers[0].count(",") + 1
        wrong = next(number for number, text in enumerate(numbers) if text.count(",") + 1 != usual)
        row, count = len(words) - len(numbers) + wrong + 1, numbers[wrong].count(",") + 1
        _refuse(path, f"row {row:,} has {count:,} pixels, the others {usual:,}", _EXPECTED)
    _shape(path, counts.pop())
    return _numbers(path, numbers)


def _numbers(path: Path, rows: Sequence[str]) -> np.ndarray:
    """Whole numbers from 0 to 255."""
    try:
        return np.loadtxt(rows, dtype=np.uint8, delimiter=",", comments=None, ndmin=2)
    except (ValueError, OverflowError, DeprecationWarning):
        pass
    try:
        values = np.loadtxt(rows, dtype=np.float64, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        _refuse(path, f"not a table of numbers ({printable(str(error))[:100]})", _EXPECTED)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 255 and (values % 1 == 0).all()):
        _refuse(path, f"values from {values.min():g} to {values.max():g}", "whole numbers from 0 to 255")
    return values.astype(np.uint8)


def _shape(path: Path, num_pixels: int) -> tuple[int, ...]:
    """Height, width, and 3 if each pixel has three numbers."""
    if (side := _side(num_pixels)) is None:
        _refuse(path, f"{num_pixels:,} pixels in a row are neither a grey nor a colour square", _EXPECTED)
    return (side, side) if side * side == num_pixels else (side, side, 3)


def _side(num_pixels: int) -> int | None:
    """Of a square of so many numbers, one or three for each pixel; None: it is none."""
    for channels in (1, 3):
        side = math.isqrt(max(num_pixels, 0) // channels)
        if 5 <= side <= LONGEST and channels * side * side == num_pixels:
            return side
    return None


def _lines(path: Path, file: BinaryIO) -> Iterator[str]:
    while line := file.readline(_MOST_LINE_BYTES):
        if text := _text(path, line):
            yield text


def _text(path: Path, line: bytes) -> str:
    if len(line) == _MOST_LINE_BYTES:
        _refuse(path, f"a line of over {_MOST_LINE_BYTES:,} bytes", _EXPECTED)
    try:
        return line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text. Expected: {_EXPECTED}.", ExitCode.DATA) from error


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _refuse(path: Path, given: str, expected: str) -> NoReturn:
    raise UserError(f"{path}: {given}. Expected: {expected}.", ExitCode.DATA)
