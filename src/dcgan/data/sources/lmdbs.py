"""Reads the image files inside an LMDB, as LSUN hands them out: a key and the bytes of a WebP or JPEG."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.items import Decoded, Item, Source, Unreadable, printable
from dcgan.data.sources.lmdb_pages import DamagedLmdb, Entry, lmdb_entries
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import open_regular

DATA_FILE = "data.mdb"
_MOST_ENTRIES = 4_000_000  # LSUN's bedrooms are 3,033,042


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    size: int


@final
class Lmdb(Source):
    """Every value of the database is an image file; values that are none are bad images, as everywhere.

    Raises:
        UserError: No LMDB, or not a whole one.
    """

    def __init__(self, path: Path) -> None:
        """``path``: the folder that holds data.mdb, or that file."""
        self._path = path / DATA_FILE if path.is_dir() else path
        items: list[Item] = []
        skipped: list[tuple[str, str]] = []
        self._places: list[_Place] = []
        for entry, stamp in _entries(self._path):
            name = printable(entry.key[:200].decode("utf-8", "backslashreplace"))
            if entry.size > MAX_FILE_BYTES:
                skipped.append((name, f"{entry.size:,} bytes; {MAX_FILE_BYTES:,} is the limit"))
                continue
            if len(items) == _MOST_ENTRIES:
                raise UserError(f"{path}: more than {_MOST_ENTRIES:,} entries are not read.", ExitCode.DATA)
            items.append(Item(name, f"{stamp}:{entry.offset}:{entry.size}"))
            self._places.append(_Place(entry.offset, entry.size))
        folder = path if path.is_dir() else path.parent if path.name == DATA_FILE else path
        super().__init__(folder.resolve().name.removesuffix("_lmdb"), items, skipped=skipped, form="LMDB")

    def read(self, index: int) -> Decoded:
        """Decode one value."""
        place = self._places[index]
        wait_if_large(place.size)
        try:
            with open_regular(self._path) as file:
                content = os.pread(file.fileno(), place.size, place.offset)
        except OSError as error:
            raise Unreadable(f"the LMDB cannot be opened ({error.strerror})") from error
        return decode(content)


def _entries(path: Path) -> Iterator[tuple[Entry, str]]:
    """Every entry, each with what its stamp begins with."""
    try:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            for entry in lmdb_entries(file.fileno(), status.st_size):
                yield entry, f"{status.st_mtime_ns}"
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    except DamagedLmdb as error:
        raise UserError(
            f"{path}: not a whole LMDB ({printable(str(error))}). Fetch it again.", ExitCode.DATA
        ) from error
