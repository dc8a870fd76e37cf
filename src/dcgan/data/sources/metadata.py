"""Finds the classes of images in tables beside them: metadata.csv, metadata.jsonl, or names and labels in a CSV."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dcgan.data.sources.class_labels import Classes, Parts, classes_of_folders, numbered
from dcgan.data.sources.items import printable
from dcgan.foreign import strict_json

TABLES = ("metadata.csv", "metadata.jsonl", "labels.csv", "train.csv", "trainLabels.csv", "train_labels.csv")
"""Names of tables that are read; what a competition hands out is rarely called otherwise."""
_FILE_COLUMNS = ("file_name", "filename", "file", "image", "image_id", "id", "path")
_LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "y")
_MOST_COLUMNS = 1000

Label = int | str


def classes_of_tables(tables: Sequence[tuple[Parts, bytes]], paths: Sequence[Parts]) -> Classes | None:
    """The classes that tables give to images in their own folder and below; None: these are no such tables.

    An image is found by its name relative to the table, or by its last part, with or without its extension.
    """
    labels_of: list[tuple[Parts, Mapping[str, Label]]] = []
    remarks: list[str] = []
    for parts, content in tables:
        found = _labels(parts[-1], content)
        if isinstance(found, str):
            remarks.append(found)
        elif found is not None:
            labels_of.append((parts[:-1], found))
    folders = classes_of_folders(paths)
    if not labels_of:
        if not remarks:
            return None
        return Classes(folders.labels, folders.names, folders.test, (*remarks, *folders.remarks))
    given = [_find(parts, labels_of) for parts in paths]
    if all(label is None for label in given):
        return None
    name = tables[0][0][-1]
    return numbered(given, name, form=name, splits=folders)


def _find(parts: Parts, tables: Sequence[tuple[Parts, Mapping[str, Label]]]) -> Label | None:
    """What the nearest table above an image says of it."""
    for folder, labels in reversed(tables):  # they come by depth
        if parts[: len(folder)] != folder:
            continue
        for name in ("/".join(parts[len(folder) :]), parts[-1]):
            for key in (name, name.rpartition(".")[0]):
                if key in labels:
                    return labels[key]
    return None


def _labels(name: str, content: bytes) -> Mapping[str, Label] | str | None:
    """File → label of one table; a sentence when it has no labels; None: it is another file of this name."""
    try:
        rows = list(_json_rows(content) if name.endswith(".jsonl") else _csv_rows(content))
    except (ValueError, UnicodeDecodeError, csv.Error):
        return f"{name} could not be read as a table: the folders alone tell the classes."
    if not rows:
        return None
    files = next((column for column in _FILE_COLUMNS if column in rows[0]), None)
    label = next((column for column in _LABEL_COLUMNS if column in rows[0]), None)
    if files is None or label is None:
        if not name.startswith("metadata"):
            return None
        columns = ", ".join(printable(column) for column in list(rows[0])[:6])
        missing = "file_name" if files is None else "label"
        return f"{name} has no column {missing} (it has {columns}): the folders alone tell the classes."
    labels: dict[str, Label] = {}
    for row in rows:
        value, file = _label(row.get(label)), str(row.get(files, "")).replace("\\", "/").removeprefix("./")
        if value is None:
            continue
        if labels.setdefault(file, value) != value:
            return f"{name} gives two labels to {printable(file)}: the folders alone tell the classes."
    return labels


def _label(value: Any) -> Label | None:
    """A whole number or a text; None for anything else, and for nothing."""
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value


def _json_rows(content: bytes) -> Iterator[dict[str, Any]]:
    for line in content.splitlines():
        if line.strip():
            row = strict_json(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no object")
            yield row


def _csv_rows(content: bytes) -> Iterator[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
    if len(reader.fieldnames or ()) > _MOST_COLUMNS:  # a table of pixels
        return
    yield from reader
