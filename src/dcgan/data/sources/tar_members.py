"""Goes through the headers of a tar without reading what lies between them.

Python's own reader keeps every header and lets some of them ask for any amount of memory. This one reads the three
dialects that are written (POSIX 1003.1-1988 and -2001, GNU); the first header that makes no sense ends it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = 512
_MOST_EXTENDED_BYTES = 1_000_000
_LINKS = b"12"
_WITHOUT_CONTENT = b"123456"
_REGULAR = b"0\x007"


class DamagedTar(Exception):  # noqa: N818  # it is a state of the file
    """This is no whole tar; the message is the reason in plain words."""


@dataclass(frozen=True, slots=True)
class Member:
    """What one header says."""

    name: str
    kind: str
    """``file``, ``folder``, ``link`` or ``other``."""
    offset: int
    """Of the content in the tar."""
    size: int


def tar_members(descriptor: int, num_bytes: int) -> Iterator[Member]:
    """Every member in the order of the file.

    Args:
        descriptor: Of the open file.
        num_bytes: Its length.

    Raises:
        DamagedTar: A header makes no sense, or the file ends inside a member.
    """
    position = 0
    extended: dict[str, str] = {}
    while position + _BLOCK <= num_bytes:
        header = os.pread(descriptor, _BLOCK, position)
        if not header.strip(b"\0"):
            return
        _require_sum(header, position)
        kind, size, offset = header[156:157], _number(header[124:136], position), position + _BLOCK
        if kind in (b"x", b"L", b"g", b"K"):
            if size > _MOST_EXTENDED_BYTES:
                raise DamagedTar(f"a name of {size:,} bytes")
            content = os.pread(descriptor, size, offset)
            extended |= {b"x": _pax, b"L": _long_name}[kind](content) if kind in b"xL" else {}
            position = offset + _padded(size)
            continue
        size = int(extended.get("size", size))
        name = extended.get("path") or _name(header)
        size = 0 if kind in _WITHOUT_CONTENT else size
        if offset + size > num_bytes:
            raise DamagedTar(f"cut off inside {name:.200}: {num_bytes:,} bytes, {offset + size:,} at least are needed")
        yield Member(name, _kind(kind, extended), offset, size)
        extended = {}
        position = offset + _padded(size)
    if position < num_bytes:
        raise DamagedTar("cut off inside a header")


def _kind(kind: bytes, extended: dict[str, str]) -> str:
    if kind in _REGULAR and not any(key.startswith("GNU.sparse") for key in extended):
        return "file"
    return "link" if kind in _LINKS else "folder" if kind == b"5" else "other"


def _require_sum(header: bytes, position: int) -> None:
    stored = _number(header[148:156], position)
    blank = header[:148] + b" " * 8 + header[156:]
    if stored not in (sum(blank), sum(byte - 256 if byte > 127 else byte for byte in blank)):
        raise DamagedTar(f"no header of a tar at byte {position:,}")


def _number(field: bytes, position: int) -> int:
    """Octal digits, or a number in base 256 where they would not suffice."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:])
    digits = field.strip(b" \0")
    if digits and not (digits.isdigit() and max(digits) < ord("8")):
        raise DamagedTar(f"no header of a tar at byte {position:,}")
    return int(digits or b"0", 8)


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _pax(content: bytes) -> dict[str, str]:
    """Records ``length key=value``, each ended by a new line."""
    records: dict[str, str] = {}
    while content and content[:1] != b"\0":
        digits, _, _ = content[:20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        record = content[len(digits) + 1 : length]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not equals or len(record) < 2:
            raise DamagedTar("an extended header makes no sense")
        records[_text(key)] = _text(value)
        content = content[length:]
    if "size" in records and not (
        records["size"].isascii() and records["size"].isdigit() and len(records["size"]) < 20
    ):
        raise DamagedTar("an extended header makes no sense")
    return records


def _long_name(content: bytes) -> dict[str, str]:
    return {"path": _text(content)}


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
