"""A zip of image files, read where it lies: nothing is unpacked, and its names are labels, never paths."""

import stat
import threading
import zipfile
from pathlib import Path
from typing import final

from dcgan.data.decoding.bombs import MAX_EXPANSION, is_bomb
from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.formats import is_image_name
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.folders import is_dropping, other_files
from dcgan.data.sources.items import Decoded, Item, Source, Unreadable, labels_of, printable
from dcgan.errors import ExitCode, UserError

MAX_MEMBERS = 2_000_000
_ENCRYPTED = 0x1


@final
class Zip(Source):
    """Every image file of a zip; the first level of folders that not all share gives the classes."""

    def __init__(self, path: Path) -> None:
        self._archive = open_zip(path)
        self._lock = threading.Lock()
        members, skipped = _list(self._archive)
        members.sort(key=lambda member: member[0])
        labels, class_names = labels_of([parts for parts, _ in members])
        items = [
            Item("/".join(parts), f"{info.file_size}:{info.CRC:08x}", label)
            for (parts, info), label in zip(members, labels, strict=True)
        ]
        super().__init__(path.stem, items, class_names=class_names, skipped=skipped)
        self._members = [info for _, info in members]

    def read(self, index: int) -> Decoded:
        """Decode one member."""
        wait_if_large(self._members[index].file_size)  # before the lock, which the thread whose turn it is may want
        try:
            with self._lock:  # one file, one position
                content = self._archive.read(self._members[index])
        except Exception as error:  # hostile bytes make zipfile raise anything
            raise Unreadable(f"damaged inside the zip ({error})") from error
        return decode(content)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def open_zip(path: Path) -> zipfile.ZipFile:
    """The archive, unless it is broken or made to exhaust us."""
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # as above
        raise UserError(f"{path}: not a zip that can be read ({error}).", ExitCode.DATA) from error
    members = archive.infolist()
    expanded = sum(info.file_size for info in members)
    if len(members) > MAX_MEMBERS or expanded > MAX_EXPANSION * path.stat().st_size:
        archive.close()
        raise UserError(
            f"{path}: {len(members):,} members that expand to {expanded / 1e6:,.0f} MB look like a zip bomb; it was "
            "not read. Unpack it and give the folder if you trust it.",
            ExitCode.DATA,
        )
    return archive


def _list(archive: zipfile.ZipFile) -> tuple[list[tuple[tuple[str, ...], zipfile.ZipInfo]], list[tuple[str, str]]]:
    """(name in parts, member) of every image file, and what was left out and why."""
    members, skipped, others = [], [], []
    for info in archive.infolist():
        path = info.filename.replace("\\", "/").split("/")
        parts = tuple(printable(part) for part in path if part not in ("", ".", ".."))
        if info.filename.endswith(("/", "\\")) or not parts or any(is_dropping(part) for part in parts):
            continue
        if reason := _reason_to_skip(info, parts):
            skipped.append(("/".join(parts), reason))
        elif is_image_name(parts[-1]):
            members.append((parts, info))
        else:
            others.append(parts[-1])
    return members, sorted(skipped) + list(other_files(others))


def _reason_to_skip(info: zipfile.ZipInfo, parts: tuple[str, ...]) -> str | None:
    """Why this member is not even tried, or None."""
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link, not followed"
    if any(part.startswith(".") for part in parts):
        return "hidden"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"compressed in an unusual way (method {info.compress_type})"
    if info.file_size > MAX_FILE_BYTES or is_bomb(info.file_size, info.compress_size):
        return f"expands to {info.file_size:,} bytes from {info.compress_size:,}; {MAX_FILE_BYTES:,} is the limit"
    return None
