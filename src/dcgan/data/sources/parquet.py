"""Reads images from Parquet, as the Hugging Face hub stores them: a column of image files, perhaps one of labels."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, final

from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.class_labels import split_of
from dcgan.data.sources.items import Decoded, Item, Source, Unreadable, printable
from dcgan.data.sources.parquet_columns import Columns, columns_of
from dcgan.errors import ExitCode, UserError
from dcgan.limits import available_threads

_MOST_ROWS = 5_000_000
_BYTES_A_ROW = 8  # of the file, at the very least where there are many
_FEW_ROWS = 10_000
_ROWS_AT_ONCE = 16
_LABELS_AT_ONCE = 256
_LABEL_BYTES = 1_000


@dataclass(frozen=True, slots=True)
class _Place:
    file: int
    group: int
    row: int


@final
class Parquet(Source):
    """Every row of one file, or of several that are shards of one set.

    Files that are called after splits (train-00000.parquet, test-00000.parquet) are splits.

    Raises:
        UserError: Damaged, without a column of images, or without the extra.
    """

    def __init__(
        self, paths: Sequence[Path], *, name: str = "", splits: Sequence[str | None] = (), remarks: Sequence[str] = ()
    ) -> None:
        """``splits``: of each file, where its name does not tell."""
        self._files = [_opened(path) for path in paths]
        given = list(splits) or [split_of(path.name) for path in paths]
        held_out = _held_out(given)
        labels: list[Any] = []
        items: list[Item] = []
        self._places: list[_Place] = []
        try:
            for number, file in enumerate(self._files):
                stamp = f"{paths[number].stat().st_size}:{paths[number].stat().st_mtime_ns}"
                _require_few(paths[number], len(items), sum(file.group_rows))
                labels += file.labels()
                for group, rows in enumerate(file.group_rows):
                    self._places += [_Place(number, group, row) for row in range(rows)]
                items += [
                    Item(f"{paths[number].stem}/{row:06}", f"{stamp}:{row}", None, held_out[number])
                    for row in range(sum(file.group_rows))
                ]
        except BaseException:
            self.close()
            raise
        class_names, numbers = _numbered(labels, self._files[0].columns.class_names)
        items = [Item(item.name, item.stamp, label, item.test) for item, label in zip(items, numbers, strict=True)]
        files = "Parquet" if len(paths) == 1 else f"{len(paths):,} Parquet files"
        super().__init__(
            name or paths[0].stem, items, class_names=class_names, form=files, remarks=[*remarks, *_split_remark(given)]
        )

    def read(self, index: int) -> Decoded:
        """Decode the image of one row."""
        place = self._places[index]
        content = self._files[place.file].content(place.group, place.row)
        if content is None:
            raise Unreadable("the row has no image bytes")
        wait_if_large(len(content))
        if len(content) > MAX_FILE_BYTES:
            raise Unreadable(f"{len(content):,} bytes; {MAX_FILE_BYTES:,} is the limit")
        return decode(content)

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()


class _File:
    """One open file; rows are read in small blocks, of which the newest are kept: threads ask for rows near by."""

    def __init__(self, path: Path, file: Any) -> None:
        self._path, self._file = path, file
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[int, int], list[bytes | None]] = OrderedDict()
        self._most_blocks = 2 * available_threads() + 2
        self._group, self._next_block = -1, 0
        self._batches: Iterator[Any] = iter(())
        self.columns: Columns = columns_of(path, file.schema_arrow)
        self.group_rows = [file.metadata.row_group(group).num_rows for group in range(file.metadata.num_row_groups)]
        for group in range(file.metadata.num_row_groups):
            self._check(file.metadata.row_group(group))

    def labels(self) -> list[Any]:
        """Of each row a number or a text, or None."""
        if self.columns.label is None:
            return [None] * sum(self.group_rows)
        labels: list[Any] = []
        try:
            for batch in self._file.iter_batches(_LABELS_AT_ONCE, columns=[self.columns.label], use_threads=False):
                if batch.nbytes > _LABELS_AT_ONCE * _LABEL_BYTES:
                    _refuse(self._path, f"labels of over {_LABEL_BYTES:,} bytes", "short names, or numbers")
                labels += batch.column(0).to_pylist()
        except UserError:
            raise
        except Exception as error:  # hostile bytes make the library raise anything
            _refuse(self._path, f"damaged ({printable(str(error))[:100]})", "a whole Parquet file; fetch it again")
        return labels

    def content(self, group: int, row: int) -> bytes | None:
        """The bytes of the image file in one row.

        Raises:
            Unreadable: The row group is damaged.
        """
        block, place = divmod(row, _ROWS_AT_ONCE)
        with self._lock:
            try:
                rows = self._block(group, block)
            except Exception as error:  # hostile bytes make the library raise anything
                raise Unreadable(f"damaged inside the Parquet file ({printable(str(error))[:100]})") from error
        return rows[place] if place < len(rows) else None

    def close(self) -> None:
        """Close the file."""
        self._batches = iter(())
        self._file.close()

    def _block(self, group: int, block: int) -> list[bytes | None]:
        if (group, block) in self._blocks:
            return self._blocks[group, block]
        if group != self._group or block < self._next_block:
            self._group, self._next_block = group, 0
            self._batches = self._file.iter_batches(
                batch_size=_ROWS_AT_ONCE, row_groups=[group], columns=[self.columns.image], use_threads=False
            )
        while self._next_block <= block:
            rows = self.columns.contents(next(self._batches).column(0))
            self._blocks[group, self._next_block] = rows
            self._next_block += 1
            if len(self._blocks) > self._most_blocks:
                self._blocks.popitem(last=False)
        return rows

    def _check(self, group: Any) -> None:
        """Refuse a row group whose columns claim to unpack to more than they can."""
        for number in range(group.num_columns):
            column = group.column(number)
            if is_bomb(column.total_uncompressed_size, column.total_compressed_size):
                claimed = f"{column.total_uncompressed_size:,} bytes in {column.total_compressed_size:,}"
                _refuse(self._path, f"column {printable(column.path_in_schema)} claims {claimed}", "no bomb")


def _opened(path: Path) -> _File:
    try:
        import pyarrow.parquet  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise UserError(f"{path}: Parquet needs pyarrow: pip install 'dcgan[datasets]'.") from error
    try:
        return _File(path, pyarrow.parquet.ParquetFile(path, memory_map=False, pre_buffer=False))
    except UserError:
        raise
    except Exception as error:  # as above
        _refuse(path, f"damaged ({printable(str(error))[:100]})", "a whole Parquet file; fetch it again")


def _require_few(path: Path, total: int, rows: int) -> None:
    if total + rows > _MOST_ROWS or rows > max(_FEW_ROWS, path.stat().st_size / _BYTES_A_ROW):
        _refuse(path, f"{rows:,} rows in {path.stat().st_size:,} bytes", f"at most {_MOST_ROWS:,} rows with images")


def _held_out(splits: Sequence[str | None]) -> list[bool]:
    """Whether each file is held out: those for testing, or without any those for validation."""
    if "train" not in splits or None in splits:
        return [False] * len(splits)
    away = "test" if "test" in splits else "val"
    return [split == away for split in splits]


def _split_remark(splits: Sequence[str | None]) -> list[str]:
    held_out = [split for split, away in zip(splits, _held_out(splits), strict=True) if away]
    if not held_out:
        return []
    names = ", ".join(sorted({split for split in splits if split}))
    return [f"The files are of the splits {names}: {held_out[0]} is held out, the rest is trained on."]


def _numbered(labels: Sequence[Any], names: tuple[str, ...]) -> tuple[list[str], list[int | None]]:
    """The names of the classes and the number of each row; nothing where a row has none."""
    known = [label for label in labels if isinstance(label, int | str) and not isinstance(label, bool)]
    if len(known) < len(labels) or not labels:
        return [], [None] * len(labels)
    values = sorted(set(known), key=lambda value: (isinstance(value, str), value))
    number = {value: place for place, value in enumerate(values)}
    fits = names and all(isinstance(value, int) and 0 <= value < len(names) for value in values)
    words = [names[int(value)] if fits else printable(str(value)) for value in values]
    return words, [number[label] for label in known]


def _refuse(path: Path, given: str, expected: str) -> NoReturn:
    raise UserError(f"{path}: {given}. Expected: {expected}.", ExitCode.DATA)
