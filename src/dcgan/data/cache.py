"""Prepared data on disk: one array for each content and shape, one manifest for each source and config.

``prepared/<hash of content and shaping>.npy`` is shared by all runs that want the same pixels;
``prepared/<hash of names, stamps and config>.json`` says which array a source became, so that the second start reads
no image. An array is a pure function of its name, rows in the order of the content: whoever writes it writes
the same bytes, so two processes at once cannot harm each other.
"""

import json
import re
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dcgan import files
from dcgan.data.dataset import Dataset
from dcgan.data.report import DatasetReport
from dcgan.data.shape import brought_to

CHUNK_BYTES = 64_000_000
_STALE_SECONDS = 24 * 3600
_OURS = re.compile(
    r"[0-9a-f]{32}\.(npy|json)|\.[0-9a-f]{32}\.(npy|json)\.\d+\.tmp|rows-[0-9a-f]{32}"
    r"|part-[0-9a-f]{32}-\d{5}-of-\d{5}"
)


def folder() -> Path:
    """Where prepared data lies."""
    return files.cache_root() / "prepared"


def array_path(name: str) -> Path:
    """The file of the array of this name."""
    return folder() / f"{name}.npy"


class Pictures(Protocol):
    """Shaped images by number."""

    def drain(self) -> Iterator[tuple[int, np.ndarray]]:
        """All images with their numbers, once."""


class Spool:
    """Shaped images in the order of reading, each in its own narrow form, until it is known what form all need.

    Only the newest ``CHUNK_BYTES`` are in memory; the rest waits on disk and leaves it as fast as it is read back.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._forms: list[tuple[tuple[int, ...], np.dtype]] = []
        self._chunks: list[int] = []  # how many images are in each full chunk
        self._open: list[bytes] = []
        self._open_bytes = 0

    @classmethod
    def reopened(cls, place: Path, contents: Mapping[str, Any]) -> "Spool":
        """What ``contents`` told of a spool that was finished.

        Raises:
            ValueError: Its files are not as they were.
        """
        spool = cls(place)
        kinds = [(tuple(map(int, shape)), np.dtype(dtype)) for shape, dtype in contents["kinds"]]
        spool._forms = [kinds[kind] for kind in contents["forms"]]
        spool._chunks = [int(count) for count in contents["chunks"]]
        sizes = [spool._path(chunk).stat().st_size for chunk in range(len(spool._chunks))]
        if sizes != contents["bytes"] or sum(spool._chunks) != len(spool._forms):
            raise ValueError(f"{sum(sizes):,} bytes of images, {sum(contents['bytes']):,} were written")
        return spool

    def __len__(self) -> int:
        """Images in it."""
        return len(self._forms)

    def finish(self) -> None:
        """Put the newest images on disk too."""
        if self._open:
            self._write()

    def contents(self) -> dict[str, Any]:
        """What must be known to find the images again, for JSON; the spool is finished."""
        kinds = list(dict.fromkeys(self._forms))
        number = {kind: place for place, kind in enumerate(kinds)}
        return {
            "kinds": [[list(shape), dtype.str] for shape, dtype in kinds],
            "forms": [number[form] for form in self._forms],
            "chunks": self._chunks,
            "bytes": [self._path(chunk).stat().st_size for chunk in range(len(self._chunks))],
        }

    def add(self, picture: np.ndarray) -> int:
        """Put one image in; its number here."""
        self._forms.append((picture.shape, picture.dtype))
        self._open.append(picture.tobytes())
        self._open_bytes += picture.nbytes
        if self._open_bytes >= CHUNK_BYTES:
            self._write()
        return len(self._forms) - 1

    def drain(self, *, keep: bool = False) -> Iterator[tuple[int, np.ndarray]]:
        """All images with their numbers, once; ``keep`` leaves them on disk."""
        start = 0
        for chunk, count in enumerate(self._chunks):
            yield from self._unpack(start, count, self._path(chunk).read_bytes())
            if not keep:
                self._path(chunk).unlink()
            start += count
        yield from self._unpack(start, len(self._open), b"".join(self._open))

    def _write(self) -> None:
        files.write_atomically(self._path(len(self._chunks)), b"".join(self._open))
        self._chunks.append(len(self._open))
        self._open, self._open_bytes = [], 0

    def _unpack(self, start: int, count: int, content: bytes) -> Iterator[tuple[int, np.ndarray]]:
        offset = 0
        for number in range(start, start + count):
            shape, dtype = self._forms[number]
            length = int(np.prod(shape))
            yield number, np.frombuffer(content, dtype, length, offset).reshape(shape)
            offset += length * dtype.itemsize

    def _path(self, chunk: int) -> Path:
        return self._place / f"{chunk:06}"


@contextmanager
def spool() -> Iterator[Spool]:
    """A spool whose files are gone afterwards, and with them what dead processes left behind."""
    _remove_stale()
    place = folder() / f"rows-{uuid.uuid4().hex}"
    try:
        yield Spool(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def pack(name: str, shape: tuple[int, ...], dtype: np.dtype, images: Pictures, row_of: dict[int, int]) -> None:
    """Write an array, n h w c: image ``number`` of the spool becomes row ``row_of[number]``, if it has one."""

    def fill(path: Path) -> None:
        array = files.create_array(path, shape, dtype)
        for number, picture in images.drain():
            if number in row_of:
                array[row_of[number]] = brought_to(picture, shape[3], dtype)
        array.flush()

    files.write_with(array_path(name), fill, durable=True)


def open_array(name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray | None:
    """The array of this name, read-only and mapped, or None when there is none, or not a whole one."""
    try:
        array = np.load(array_path(name), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(array) if (array.shape, array.dtype) == (shape, dtype) else None


def save_manifest(key: str, dataset: Dataset, array: str) -> None:
    """Remember what a source became."""
    manifest = {
        "array": array,
        "shape": list(dataset.pixels.shape),
        "dtype": dataset.pixels.dtype.name,
        "fingerprint": dataset.fingerprint,
        "labelled_fingerprint": dataset.labelled_fingerprint,
        "class_names": list(dataset.class_names),
        "names": list(dataset.names),
        "labels": None if dataset.labels is None else dataset.labels.tolist(),
        "train": dataset.train.tolist(),
        "held_out": dataset.held_out.tolist(),
        "report": dataset.report.to_json(),
    }
    files.write_atomically(folder() / f"{key}.json", json.dumps(manifest, separators=(",", ":")).encode(), durable=True)


def load(key: str) -> Dataset | None:
    """What this source became the last time, or None: never seen, changed, or no longer whole."""
    try:
        manifest = json.loads((folder() / f"{key}.json").read_bytes())
        array = open_array(manifest["array"], tuple(manifest["shape"]), np.dtype(manifest["dtype"]))
        return None if array is None else _dataset(manifest, array)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def clear() -> tuple[int, int]:
    """Remove prepared data, and nothing that has another name than ours: files and bytes that are gone."""
    removed = [_remove(path) for path in _ours()]
    return sum(count for count, _ in removed), sum(size for _, size in removed)


def _dataset(manifest: dict[str, Any], array: np.ndarray) -> Dataset:
    labels = manifest["labels"]
    return Dataset(
        pixels=array,
        labels=None if labels is None else np.array(labels, dtype=np.int64),
        class_names=_texts(manifest["class_names"]),
        names=_texts(manifest["names"]),
        train=np.array(manifest["train"], dtype=np.int64),
        held_out=np.array(manifest["held_out"], dtype=np.int64),
        fingerprint=str(manifest["fingerprint"]),
        labelled_fingerprint=str(manifest["labelled_fingerprint"]),
        report=DatasetReport.from_json(manifest["report"]),
    )


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, Sequence):
        raise TypeError(values)
    return tuple(map(str, values))


def _ours() -> list[Path]:
    """Everything in the folder that bears one of our names; links are left alone."""
    try:
        return sorted(path for path in folder().iterdir() if _OURS.fullmatch(path.name) and not path.is_symlink())
    except OSError:  # there is none, or it may not be read
        return []


def _remove_stale() -> None:
    """Remove unfinished work that nobody has touched for a day: its process is dead."""
    for path in _ours():
        unfinished = path.name.startswith((".", "rows-"))
        try:
            if unfinished and time.time() - path.stat().st_mtime > _STALE_SECONDS:
                _remove(path)
        except FileNotFoundError:  # its process lives and was quicker
            continue


def _remove(path: Path) -> tuple[int, int]:
    """Remove a file, or a folder of them: how many they were, and their bytes."""
    inside = list(path.iterdir()) if path.is_dir() else [path]
    size = sum(file.lstat().st_size for file in inside)
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return len(inside), size
