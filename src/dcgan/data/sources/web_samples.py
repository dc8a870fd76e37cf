"""Finds the classes of images in files of the same name beside them, as WebDataset has it: 0001.png, 0001.cls."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from dcgan.data.sources.class_labels import Classes, Parts, classes_of_folders, numbered
from dcgan.foreign import strict_json

_FIELDS = ("label", "cls", "class")


def is_of_sample(parts: Parts) -> bool:
    """Whether a file belongs to an image of the same name and may tell its class."""
    return parts[-1].endswith((".cls", ".json"))


def classes_of_samples(
    paths: Sequence[Parts], others: Collection[Parts], read: Callable[[Parts], bytes]
) -> Classes | None:
    """The classes in the ``.cls`` files of all images, or in the field ``label`` of their ``.json``; None: in neither.

    Args:
        paths: Of the images.
        others: Names of all other files.
        read: The content of one of these.
    """
    for ending, label_of in ((".cls", _number_or_word), (".json", _field)):
        beside = [(*parts[:-1], parts[-1].partition(".")[0] + ending) for parts in paths]
        if not beside or beside[0] not in others:
            continue
        given = [label_of(read(parts)) if parts in others else None for parts in beside]
        if ending == ".json" and all(label is None for label in given):
            continue
        return numbered(given, f"*{ending}", form=f"WebDataset's {ending} files", splits=classes_of_folders(paths))
    return None


def _number_or_word(content: bytes) -> int | str | None:
    word = content[:1000].decode("utf-8", "replace").strip()
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 9 else word or None


def _field(content: bytes) -> int | str | None:
    try:
        found: Any = strict_json(content)
    except (ValueError, UnicodeDecodeError):
        return None
    values = [found[name] for name in _FIELDS if name in found] if isinstance(found, dict) else []
    return next((value for value in values if isinstance(value, int | str) and not isinstance(value, bool)), None)
