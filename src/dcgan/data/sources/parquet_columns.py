"""Finds the columns of images and labels in a table of Arrow, by the hub's own notes, else by names and types."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcgan.data.sources.items import printable
from dcgan.errors import ExitCode, UserError

_IMAGES = ("image", "img", "images", "picture", "png", "jpg", "jpeg", "webp")
_LABELS = ("label", "labels", "class", "cls", "fine_label", "target", "category", "digit", "character")


@dataclass(frozen=True)
class Columns:
    """Where images and labels lie."""

    image: str
    """Path of a column of bytes."""
    label: str | None
    class_names: tuple[str, ...]
    """Of the numbers in ``label``, where the file tells them."""

    def contents(self, column: Any) -> list[bytes | None]:
        """The bytes in each row of a batch; None where there are none."""
        rows = column.to_pylist()
        return [row.get("bytes") if isinstance(row, dict) else row for row in rows]


def columns_of(path: Path, schema: Any) -> Columns:
    """The columns of one file.

    Raises:
        UserError: No column holds the bytes of images.
    """
    features = _features(schema.metadata or {})
    holding = {field.name: place for field in schema if (place := _bytes_of(field)) is not None}
    marked = [name for name, feature in features.items() if feature.get("_type") == "Image" and name in holding]
    image: str | None = next(iter([*marked, *(name for name in _IMAGES if name in holding), *holding]), None)
    if image is None:
        names = ", ".join(printable(name) for name in schema.names[:8])
        raise UserError(
            f"{path}: columns {names or 'none'}, of which none holds the bytes of images. Expected: a column image of "
            "bytes, or of bytes and path.",
            ExitCode.DATA,
        )
    classes = [name for name, feature in features.items() if feature.get("_type") == "ClassLabel"]
    candidates = [name for name in (*_LABELS, *classes) if name in schema.names and _is_label(schema.field(name))]
    label = next(iter([*(name for name in candidates if name in classes), *candidates]), None)
    told_names = features.get(label or "", {}).get("names")
    told = tuple(printable(str(name)) for name in told_names) if isinstance(told_names, list) else ()
    return Columns(holding[image], label, told)


def _bytes_of(field: Any) -> str | None:
    """Path of the bytes inside a column, or None."""
    import pyarrow  # noqa: PLC0415  # whoever has a schema has it

    types = pyarrow.types
    if types.is_binary(field.type) or types.is_large_binary(field.type):
        return str(field.name)
    if types.is_struct(field.type):
        inner = field.type.get_field_index("bytes")
        if inner >= 0 and (types.is_binary(kind := field.type.field(inner).type) or types.is_large_binary(kind)):
            return f"{field.name}.bytes"
    return None


def _is_label(field: Any) -> bool:
    import pyarrow  # noqa: PLC0415  # as above

    types = pyarrow.types
    return bool(types.is_integer(field.type) or types.is_string(field.type) or types.is_large_string(field.type))


def _features(metadata: Mapping[bytes, bytes]) -> dict[str, dict[str, Any]]:
    """Name → what the hub notes of a column: {"_type": "ClassLabel", "names": […]}; empty without notes."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
