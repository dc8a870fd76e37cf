"""A folder of image files, with all that people leave in folders."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import final

from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.formats import is_image_name
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.items import Decoded, Item, Source, Unreadable, labels_of, printable
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import read_bytes

_DROPPINGS = {"thumbs.db", "desktop.ini", ".ds_store", "__macosx"}  # what systems leave behind


@final
class Folder(Source):
    """Every image file below a folder; the first level of sub-folders gives the classes. Links are not followed."""

    def __init__(self, path: Path) -> None:
        files, skipped = _scan(path)
        files.sort()
        labels, class_names = labels_of([parts for parts, _, _ in files])
        items = [Item("/".join(parts), stamp, label) for (parts, _, stamp), label in zip(files, labels, strict=True)]
        super().__init__(path.resolve().name, items, class_names=class_names, skipped=skipped)
        self._paths = [path for _, path, _ in files]

    def read(self, index: int) -> Decoded:
        """Decode one file."""
        return decode(_content(self._paths[index]))


def is_dropping(name: str) -> bool:
    """Whether an operating system left this behind without being asked."""
    return name.lower() in _DROPPINGS or name.startswith("._")


def other_files(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Files that are no images by their names, counted by extension."""
    extensions = Counter(PurePosixPath(name).suffix.lower() for name in names)
    for extension, count in extensions.most_common():
        pattern = f"*{printable(extension)}" if extension else "files without an extension"
        yield pattern, f"not an image by its name ({count:,} file{'s' if count > 1 else ''})"


def _scan(root: Path) -> tuple[list[tuple[tuple[str, ...], str, str]], list[tuple[str, str]]]:
    """(name in parts, path, stamp) of every image file, and what was left out and why."""
    files, skipped, others = [], [], []
    waiting: list[tuple[tuple[str, ...], str]] = [((), str(root))]
    while waiting:
        parents, folder = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            if not parents:
                raise UserError(f"{root}: cannot be listed ({error.strerror}).", ExitCode.DATA) from error
            skipped.append(("/".join(parents), f"cannot be listed ({error.strerror})"))
            continue
        for entry in entries:
            parts = (*parents, printable(entry.name))
            reason = _reason_to_skip(entry)
            if is_dropping(entry.name):
                continue
            if reason:
                skipped.append(("/".join(parts), reason))
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((parts, entry.path))
            elif is_image_name(entry.name):
                files.append((parts, entry.path, _stamp(entry)))
            else:
                others.append(entry.name)
    return files, sorted(skipped) + list(other_files(others))


def _reason_to_skip(entry: os.DirEntry[str]) -> str | None:
    """Why this entry is not even looked into, or None."""
    if entry.is_symlink():
        return "a link, not followed"
    if entry.name.startswith("."):
        return "hidden"
    if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
        return "not a regular file"
    return None


def _stamp(entry: os.DirEntry[str]) -> str:
    """Size and time of change; a file that has just gone is found missing when it is read."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return "gone"
    return f"{status.st_size}:{status.st_mtime_ns}"


def _content(path: str) -> bytes:
    """The bytes of a regular file; nothing else is opened, even if it took the file's place a moment ago."""
    try:
        wait_if_large(Path(path).stat(follow_symlinks=False).st_size)
        return read_bytes(path, MAX_FILE_BYTES, follow=False)
    except OSError as error:
        raise Unreadable(f"cannot be opened ({error.strerror})") from error
