"""A zip of image files, read where it lies: nothing is unpacked, and its names are labels, never paths."""

import re
import stat
import threading
import unicodedata
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import final

from dcgan.data.decoding.bombs import MAX_EXPANSION, is_bomb
from dcgan.data.decoding.decode import MAX_FILE_BYTES, decode
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.class_labels import Parts
from dcgan.data.sources.items import Decoded, Source, Unreadable, printable
from dcgan.data.sources.listing import File, is_dropping, list_images
from dcgan.errors import ExitCode, UserError

MAX_MEMBERS = 2_000_000
_ENCRYPTED, _UTF8 = 0x1, 0x800


@final
class Zip(Source):
    """Every image file of a zip; the first level of folders that not all share gives the classes."""

    def __init__(self, path: Path) -> None:
        self._archive = open_zip(path)
        self._lock = threading.Lock()
        files, skipped = _files(self._archive)
        found = list_images(files, skipped, self._beginning)
        super().__init__(
            path.stem,
            found.items,
            class_names=found.class_names,
            skipped=found.skipped,
            remarks=found.remarks,
            form=found.form and f"zip with {found.form}",
        )
        self._members = found.places

    def read(self, index: int) -> Decoded:
        """Decode one member."""
        wait_if_large(self._members[index].file_size)  # before the lock, which the thread whose turn it is may want
        try:
            with self._lock:  # one file, one position
                content = self._archive.read(self._members[index])
        except Exception as error:  # hostile bytes make zipfile raise anything
            raise Unreadable(f"damaged inside the zip ({error})") from error
        return decode(content)

    def _beginning(self, member: zipfile.ZipInfo, num_bytes: int) -> bytes:
        """The first bytes of a member, or none."""
        try:
            with self._archive.open(member) as file:
                return file.read(num_bytes)
        except Exception:  # as above; whoever reads it whole will hear why
            return b""

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


def _files(archive: zipfile.ZipFile) -> tuple[list[File[zipfile.ZipInfo]], list[tuple[str, str]]]:
    """Every member that can be read, and what was left out and why."""
    files, skipped = [], []
    has_slashes = any("/" in info.filename for info in archive.infolist())
    for info in archive.infolist():
        name = _name(info, has_slashes)
        parts = tuple(printable(part) for part in name.split("/") if part not in ("", ".", ".."))
        if name.endswith("/") or not parts or any(is_dropping(part) for part in parts):
            continue
        if reason := _reason_to_skip(info, parts):
            skipped.append(("/".join(parts), reason))
        else:
            files.append(File(parts, info, f"{info.file_size}:{info.CRC:08x}"))
    return files, skipped


def _name(info: zipfile.ZipInfo, has_slashes: bool) -> str:
    """The name of a member, "/" between its parts.

    Many programs write UTF-8 without saying so. Of other encodings nobody can know which, only that a backslash after
    a letter beyond ASCII may be the second half of one. A backslash separates in archives that have no slash at all.
    """
    name, is_known = info.filename, bool(info.flag_bits & _UTF8) or info.filename.isascii()
    if not is_known:
        with suppress(UnicodeError):
            name, is_known = info.filename.encode("cp437").decode("utf-8"), True
    if not has_slashes:
        name = re.sub(r"\\" if is_known else r"(?<![^\x00-\x7f])\\", "/", name)
    return unicodedata.normalize("NFC", name)  # the Finder takes umlauts apart, and nobody could type them


def _reason_to_skip(info: zipfile.ZipInfo, parts: Parts) -> str | None:
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
