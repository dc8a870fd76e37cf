"""Tars of images read where they lie, shards of WebDataset among them: names are labels, nothing is unpacked."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.archives import MAX_MEMBERS
from dcgan.data.sources.class_labels import Parts, split_of
from dcgan.data.sources.items import Decoded, Source, Unreadable, printable
from dcgan.data.sources.listing import File, is_dropping, list_images
from dcgan.data.sources.tar_members import DamagedTar, Member, tar_members
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import open_regular


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a member lies."""

    tar: int
    offset: int
    size: int


@final
class Tars(Source):
    """Every image of one tar, or of several that are shards of one set.

    The classes come from the files beside the images, else from folders; shards that are called after splits
    (train-0000.tar, test-0000.tar) are splits.

    Raises:
        UserError: Cut off, no tar, or more members than can be kept in mind.
    """

    def __init__(self, paths: Sequence[Path], *, name: str = "") -> None:
        self._paths = paths
        splits = [split_of(path.name) for path in paths]
        are_splits = len({*splits}) > 1 and None not in splits
        files: list[File[_Place]] = []
        skipped: list[tuple[str, str]] = []
        for number, path in enumerate(paths):
            above = (splits[number] or "",) if are_splits else ()
            for member in _members(path):
                _sort_in(member, number, above, files, skipped)
            if len(files) + len(skipped) > MAX_MEMBERS:
                raise UserError(
                    f"{path}: more than {MAX_MEMBERS:,} members. Give fewer shards, or pack larger images.",
                    ExitCode.DATA,
                )
        found = list_images(files, skipped, self._beginning)
        items = found.items
        if len(paths) > 1:
            tars = [paths[place.tar].stem for place in found.places]
            items = [replace(item, name=f"{tar}/{item.name}") for item, tar in zip(items, tars, strict=True)]
        how_many = "tar" if len(paths) == 1 else f"{len(paths):,} tars"
        super().__init__(
            name or paths[0].stem,
            items,
            class_names=found.class_names,
            skipped=found.skipped,
            remarks=found.remarks,
            form=f"{how_many} with {found.form}" if found.form else how_many,
        )
        self._places = found.places

    def read(self, index: int) -> Decoded:
        """Decode one member."""
        place = self._places[index]
        wait_if_large(place.size)
        return decode(self._content(place, place.size))

    def _beginning(self, place: _Place, num_bytes: int) -> bytes:
        """The first bytes of a member, or none."""
        try:
            return self._content(place, min(num_bytes, place.size))
        except Unreadable:
            return b""

    def _content(self, place: _Place, num_bytes: int) -> bytes:
        try:
            with open_regular(self._paths[place.tar]) as file:
                return os.pread(file.fileno(), num_bytes, place.offset)
        except OSError as error:
            raise Unreadable(f"the tar cannot be opened ({error.strerror})") from error


def _members(path: Path) -> Iterator[tuple[Member, str]]:
    """Every member of one tar, each with what its stamp begins with."""
    try:
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            for member in tar_members(file.fileno(), status.st_size):
                yield member, f"{status.st_mtime_ns}"
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    except DamagedTar as error:
        raise UserError(
            f"{path}: not a whole tar ({printable(str(error))}). Download it again.", ExitCode.DATA
        ) from error


def _sort_in(
    found: tuple[Member, str], tar: int, above: Parts, files: list[File[_Place]], skipped: list[tuple[str, str]]
) -> None:
    """Put a member among the files, or say why it is left out."""
    member, stamp = found
    parts = tuple(printable(part) for part in member.name.split("/") if part not in ("", ".", ".."))
    if member.kind == "folder" or not parts or any(is_dropping(part) for part in parts):
        return
    if reason := _reason_to_skip(member, parts):
        skipped.append(("/".join(parts), reason))
    else:
        place = _Place(tar, member.offset, member.size)
        files.append(File((*above, *parts), place, f"{stamp}:{member.offset}:{member.size}"))


def _reason_to_skip(member: Member, parts: Parts) -> str | None:
    """Why this member is not even tried, or None."""
    if member.kind != "file":
        return "a link, not followed" if member.kind == "link" else "not a regular file"
    if any(part.startswith(".") for part in parts):
        return "hidden"
    if member.size > MAX_FILE_BYTES:
        return f"{member.size:,} bytes; {MAX_FILE_BYTES:,} is the limit"
    return None
