"""Finds the classes of images from the folders they lie in, or from the labels of a ``dataset.json``."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dcgan.data.sources.items import printable
from dcgan.foreign import strict_json

Parts = tuple[str, ...]
"""A name inside a source, split at "/": folders first, the file itself last."""

_TRAIN = {"train", "training"}
_VALIDATION = {"val", "valid", "validation", "dev"}
_TEST = {"test", "testing"}
LABEL_FILE = "dataset.json"
"""What StyleGAN's tools write beside the images that they number: ``{"labels": [["00000/img0.png", 6], …]}``."""


@dataclass(frozen=True)
class Classes:
    """The class of each image, and which images are held out by their folder."""

    labels: Sequence[int | None]
    names: tuple[str, ...] = ()
    """Of the classes, in the order of their numbers; empty without classes."""
    test: Sequence[bool] = ()
    """For each image; empty where the folders say nothing."""
    remarks: tuple[str, ...] = ()
    """What a person should know before the images are used."""
    form: str = ""
    """Of the files that told the classes; empty for folders."""


def classes_of_folders(paths: Sequence[Parts]) -> Classes:
    """The first level of folders that not all images share gives the classes, unless it is one of splits."""
    depth = _shared_depth(paths)
    folders = {parts[depth] for parts in paths if len(parts) > depth + 1}
    if _are_splits(folders) and all(len(parts) > depth + 1 for parts in paths):
        return _classes_of_splits(paths, depth)
    loose = [parts for parts in paths if len(parts) <= depth + 1]
    if not folders:
        return Classes([None] * len(paths))
    if loose:
        return Classes([None] * len(paths), remarks=(_loose_remark(loose, folders),))
    names = tuple(sorted(folders))
    number = {name: label for label, name in enumerate(names)}
    return Classes([number[parts[depth]] for parts in paths], names)


def classes_of_file(content: bytes, folder: Parts, paths: Sequence[Parts]) -> Classes | None:
    """The classes that a ``dataset.json`` in ``folder`` gives; its folders are none, whatever it says.

    None: it is another file of this name.
    """
    try:
        found = strict_json(content)
    except (ValueError, UnicodeDecodeError):
        return None
    if not isinstance(found, dict) or "labels" not in found:
        return None
    label_of = _numbers(found["labels"])
    if label_of is None:
        words = f"{LABEL_FILE} holds no class numbers: there are no classes."
        return Classes([None] * len(paths), remarks=(words,), form=f"StyleGAN's {LABEL_FILE}")
    given = [label_of.get("/".join(parts[len(folder) :])) for parts in paths]
    return numbered(given, LABEL_FILE, form=f"StyleGAN's {LABEL_FILE}")


def numbered(given: Sequence[int | str | None], told_by: str, *, form: str, splits: "Classes | None" = None) -> Classes:
    """Classes of what a file says of each image: numbers in their order, words in that of the alphabet.

    ``splits``: what the folders tell, of which only the division into splits is kept.
    """
    test = () if splits is None else splits.test
    said = splits.remarks[:1] if splits is not None and test else ()
    missing = sum(label is None for label in given)
    if missing:
        words = f"{told_by} gives no label to {missing:,} of {len(given):,} images: there are no classes."
        return Classes([None] * len(given), (), test, (*said, words), form)
    values = sorted({label for label in given if label is not None}, key=lambda label: (isinstance(label, str), label))
    new = {value: label for label, value in enumerate(values)}
    names = tuple(printable(str(value)) for value in values)
    return Classes([None if label is None else new[label] for label in given], names, test, said, form)


def _numbers(labels: object) -> Mapping[str, int] | None:
    """Name → number, that of the one in a vector of zeros too; None where they are anything else, or nothing at all."""
    if not isinstance(labels, list) or not labels:
        return None
    numbers: dict[str, int] = {}
    for entry in labels:
        match entry:
            case [str(name), int(number)] if not isinstance(number, bool):
                numbers[name.replace("\\", "/")] = number
            case [str(name), list(vector)] if vector.count(1) == 1 and vector.count(0) == len(vector) - 1:
                numbers[name.replace("\\", "/")] = vector.index(1)
            case _:
                return None
    return numbers


def split_of(file_name: str) -> str | None:
    """The split that a shard is named after (train-00000.tar): train, val or test; None for other names."""
    word = re.split(r"[-_.\d]", file_name.lower(), maxsplit=1)[0]
    for names, split in ((_TRAIN, "train"), (_VALIDATION, "val"), (_TEST, "test")):
        if word in names:
            return split
    return None


def _shared_depth(paths: Sequence[Parts]) -> int:
    """How many folders all images share."""
    depth = 0
    while paths and all(len(parts) > depth + 1 for parts in paths) and len({parts[depth] for parts in paths}) == 1:
        depth += 1
    return depth


def _are_splits(folders: set[str]) -> bool:
    """Whether these are the parts of a divided data set: one to train on, and at least one other."""
    names = {name.lower() for name in folders}
    return len(folders) > 1 and bool(names & _TRAIN) and names <= _TRAIN | _VALIDATION | _TEST


def _classes_of_splits(paths: Sequence[Parts], depth: int) -> Classes:
    """Classes one level further down; the test images are held out, or without any those for validation."""
    splits = [parts[depth].lower() for parts in paths]
    kept_away = _TEST if _TEST & set(splits) else _VALIDATION
    inner = classes_of_folders([(*parts[:depth], *parts[depth + 1 :]) for parts in paths])
    test = [split in kept_away for split in splits]
    folders = sorted({parts[depth] for parts in paths})
    held_out = next(name for name in folders if name.lower() in kept_away)
    words = f"The folders {', '.join(folders)} are splits, not classes: {held_out} is held out, the rest is trained on."
    return Classes(inner.labels, inner.names, test, (words, *inner.remarks))


def _loose_remark(loose: Sequence[Parts], folders: set[str]) -> str:
    """Why there are no classes although there are folders."""
    some = ", ".join(sorted(folders)[:3]) + (", …" if len(folders) > 3 else "")
    count = "1 image lies" if len(loose) == 1 else f"{len(loose):,} images lie"
    return f"No classes: {count} outside of the folders ({some}), such as {'/'.join(min(loose))}."
