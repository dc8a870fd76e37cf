"""Decides which files of a folder or a zip are its images, in which classes, and what is left out and why."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Generic, TypeVar

from dcgan.data.decoding.formats import LOOK, UNREAD, is_image, is_image_name, says_nothing, unread_format
from dcgan.data.sources.class_labels import LABEL_FILE, Classes, Parts, classes_of_file, classes_of_folders
from dcgan.data.sources.items import Item, printable
from dcgan.data.sources.metadata import TABLES, classes_of_tables
from dcgan.data.sources.own_files import is_within, own_files
from dcgan.data.sources.web_samples import classes_of_samples, is_of_sample

_DROPPINGS = {"thumbs.db", "desktop.ini", ".ds_store", "__macosx"}  # what systems leave behind
_MOST_LABEL_BYTES = 200_000_000
_MOST_SAMPLE_BYTES = 1_000_000

Place = TypeVar("Place")


@dataclass(frozen=True)
class File(Generic[Place]):
    """A regular file inside a source."""

    parts: Parts
    """Its name, safe to print."""
    place: Place
    """Where the source finds its content."""
    stamp: str


@dataclass(frozen=True)
class Listing(Generic[Place]):
    """What a source holds."""

    items: list[Item]
    places: list[Place]
    """Of each item."""
    class_names: tuple[str, ...]
    skipped: list[tuple[str, str]]
    remarks: list[str]
    form: str
    """Of the files beside the images that tell their classes; empty without any."""


def list_images(
    files: Sequence[File[Place]],
    skipped: Sequence[tuple[str, str]],
    read: Callable[[Place, int], bytes],
) -> Listing[Place]:
    """The images among ``files``.

    Args:
        files: All of them, in any order.
        skipped: Names and reasons of what is left out already.
        read: At most so many first bytes of a file; ``b""`` if it cannot be read.
    """
    own = own_files([file.parts for file in files])
    others: list[File[Place]] = []
    images: list[File[Place]] = []
    own_places = [parts for parts, _ in own]
    for file in sorted(files, key=lambda file: file.parts):
        if not is_within(file.parts, own_places):
            (images if _is_image(file, read) else others).append(file)
    classes, used = _classes(images, others, read)
    labels, test = classes.labels, classes.test or [False] * len(images)
    items = [
        Item("/".join(file.parts), file.stamp, label, held_out)
        for file, label, held_out in zip(images, labels, test, strict=True)
    ]
    left_out = sorted([*skipped, *(("/".join(parts) or "the whole folder", what) for parts, what in own)])
    names = [file.parts[-1] for file in others if file.parts not in used]
    return Listing(
        items,
        [file.place for file in images],
        classes.names,
        [*left_out, *other_files(names)],
        [*_unread_remarks(names, len(images)), *classes.remarks],
        classes.form,
    )


def is_dropping(name: str) -> bool:
    """Whether an operating system left this behind without being asked."""
    return name.lower() in _DROPPINGS or name.startswith("._")


def other_files(names: Sequence[str]) -> list[tuple[str, str]]:
    """Files that are not read, counted by extension."""
    counts = Counter("" if says_nothing(name) else PurePosixPath(name).suffix.lower() for name in names)
    return [(_pattern(extension), _reason(extension, count)) for extension, count in counts.most_common()]


def _pattern(extension: str) -> str:
    return f"*{printable(extension)}" if extension else "files without an extension"


def _reason(extension: str, count: int) -> str:
    files = f"({count:,} file{'s' if count > 1 else ''})"
    if not extension:
        return f"not images by their first bytes {files}"
    name = unread_format(extension_name(extension))
    if name is None:
        return f"not an image by its name {files}"
    return f"{name}, which is not read; {UNREAD[name][1]} {files}"


def extension_name(extension: str) -> str:
    """A file name with this extension."""
    return f"file{extension}"


def _is_image(file: File[Place], read: Callable[[Place, int], bytes]) -> bool:
    """By its name; a file whose name tells nothing is looked into."""
    name = file.parts[-1]
    return is_image_name(name) or (says_nothing(name) and is_image(read(file.place, LOOK)))


def _classes(
    images: Sequence[File[Place]], others: Sequence[File[Place]], read: Callable[[Place, int], bytes]
) -> tuple[Classes, set[Parts]]:
    """The classes of the images, and the names of the files that told them, if any did."""
    paths = [file.parts for file in images]
    by_depth = sorted(others, key=lambda file: len(file.parts))
    for file in by_depth:
        folder = file.parts[:-1]
        if file.parts[-1] == LABEL_FILE and all(is_within(parts, [folder]) for parts in paths):
            classes = classes_of_file(read(file.place, _MOST_LABEL_BYTES), folder, paths)
            if classes is not None:
                return classes, {file.parts}
    tables = [file for file in by_depth if file.parts[-1] in TABLES]
    if tables:
        classes = classes_of_tables([(file.parts, read(file.place, _MOST_LABEL_BYTES)) for file in tables], paths)
        if classes is not None:
            return classes, {file.parts for file in tables}
    place_of = {file.parts: file.place for file in others}
    classes = classes_of_samples(paths, place_of.keys(), lambda parts: read(place_of[parts], _MOST_SAMPLE_BYTES))
    if classes is not None:
        return classes, {parts for parts in place_of if is_of_sample(parts)}
    return classes_of_folders(paths), set()


def _unread_remarks(names: Sequence[str], num_images: int) -> list[str]:
    """Formats that are not read, where as much as a tenth of the images would be missing."""
    counts = Counter(filter(None, map(unread_format, names)))
    return [
        f"{count:,} {name} {'images are' if count > 1 else 'image is'} not read, {num_images:,} others are: "
        f"{UNREAD[name][1]}."
        for name, count in counts.most_common()
        if 10 * count >= num_images
    ]
