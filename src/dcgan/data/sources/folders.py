"""A folder of image files, with all that people leave in folders."""

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.class_labels import Parts
from dcgan.data.sources.items import Decoded, Source, Unreadable, printable
from dcgan.data.sources.listing import File, is_dropping, list_images
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import open_regular, read_bytes


@final
class Folder(Source):
    """Every image file below a folder; the first level of sub-folders gives the classes."""

    def __init__(self, path: Path, *, follow: bool = False) -> None:
        """``follow``: whether links are followed, to regular files and folders alone, each folder once."""
        scan = _Scan(path, follow)
        found = list_images(scan.files, scan.skipped, lambda place, count: _beginning(place, count, follow))
        super().__init__(
            path.resolve().name,
            found.items,
            class_names=found.class_names,
            skipped=found.skipped,
            remarks=[*scan.remarks(), *found.remarks],
            form=found.form and f"folder with {found.form}",
        )
        self._paths, self._follow = found.places, follow

    def read(self, index: int) -> Decoded:
        """Decode one file."""
        return decode(_content(self._paths[index], self._follow))


@dataclass
class _Scan:
    """Walks through a folder and all below it; folders are listed before links, and no folder twice."""

    root: Path
    follow: bool
    files: list[File[str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """Names of the links that are not followed."""

    def __post_init__(self) -> None:
        """Walk."""
        seen: set[tuple[int, int]] = set()
        waiting: list[tuple[bool, Parts, str]] = [(False, (), str(self.root))]
        while waiting:
            linked, parents, folder = heapq.heappop(waiting)
            try:
                status = Path(folder).stat()
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError as error:
                self._complain(parents, error)
                continue
            if self.follow and (status.st_dev, status.st_ino) in seen:
                self.skipped.append(("/".join(parents), "leads to a folder that is read already"))
                continue
            seen.add((status.st_dev, status.st_ino))
            for parts, path, is_link in self._sorted_out(parents, entries):
                heapq.heappush(waiting, (linked or is_link, parts, path))

    def remarks(self) -> list[str]:
        """What is missing because links are not followed."""
        if not self.links:
            return []
        some, more = ", ".join(self.links[:3]), ", …" if len(self.links) > 3 else ""
        one = len(self.links) == 1
        what, leads = ("1 link is", "it leads") if one else (f"{len(self.links):,} links are", "they lead")
        return [f"{what} not followed ({some}{more}): what {leads} to is missing. --set data.links=follow reads it."]

    def _complain(self, parents: Parts, error: OSError) -> None:
        if not parents:
            raise UserError(f"{self.root}: cannot be listed ({error.strerror}).", ExitCode.DATA) from error
        self.skipped.append(("/".join(parents), f"cannot be listed ({error.strerror})"))

    def _sorted_out(self, parents: Parts, entries: list[os.DirEntry[str]]) -> Iterator[tuple[Parts, str, bool]]:
        """Note the files of a folder; its folders, each with whether it is a link."""
        for entry in entries:
            parts = (*parents, printable(entry.name))
            if is_dropping(entry.name):
                continue
            if reason := self._reason_to_skip(entry):
                self.skipped.append(("/".join(parts), reason))
                if entry.is_symlink() and not self.follow:
                    self.links.append("/".join(parts))
            elif entry.is_dir(follow_symlinks=self.follow):
                yield parts, entry.path, entry.is_symlink()
            else:
                self.files.append(File(parts, entry.path, _stamp(entry, self.follow)))

    def _reason_to_skip(self, entry: os.DirEntry[str]) -> str | None:
        """Why this entry is not even looked into, or None."""
        if entry.name.startswith("."):
            return "hidden"
        if entry.is_symlink() and not self.follow:
            return "a link, not followed"
        if entry.is_symlink() and not Path(entry.path).exists():
            return "a link to nothing"
        if not (entry.is_file(follow_symlinks=self.follow) or entry.is_dir(follow_symlinks=self.follow)):
            return "not a regular file"
        return None


def _stamp(entry: os.DirEntry[str], follow: bool) -> str:
    """Size and time of change; a file that has just gone is found missing when it is read."""
    try:
        status = entry.stat(follow_symlinks=follow)
    except OSError:
        return "gone"
    return f"{status.st_size}:{status.st_mtime_ns}"


def _beginning(path: str, num_bytes: int, follow: bool) -> bytes:
    """The first bytes of a regular file, or none."""
    try:
        with open_regular(path, follow=follow) as file:
            return file.read(num_bytes)
    except OSError:
        return b""


def _content(path: str, follow: bool) -> bytes:
    """The bytes of a regular file; nothing else is opened, even if it took the file's place a moment ago."""
    try:
        wait_if_large(Path(path).stat(follow_symlinks=follow).st_size)
        return read_bytes(path, MAX_FILE_BYTES, follow=follow)
    except OSError as error:
        raise Unreadable(f"cannot be opened ({error.strerror})") from error
