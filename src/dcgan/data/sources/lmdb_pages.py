"""Goes through the pages of an LMDB without the LMDB library, which trusts what it maps into memory.

The layout is that of ``mdb.c`` of LMDB 0.9 on a machine with 64 bits: pages of one size; two meta pages, of which the
newer one counts; a B+ tree of branch and leaf pages; large values on overflow pages of their own.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAGIC, _VERSION = 0xBEEFC0DE, 1
_HEADER = 16
_BRANCH, _LEAF, _OVERFLOW, _META = 1, 2, 4, 8
_BIG, _SUB, _DUPLICATES = 1, 2, 4
_DEEPEST = 32


class DamagedLmdb(Exception):  # noqa: N818  # it is a state of the file
    """This is no whole LMDB; the message is the reason in plain words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and where its value lies in the file."""

    key: bytes
    offset: int
    size: int


@dataclass(frozen=True)
class _Tree:
    page_size: int
    root: int
    num_pages: int
    num_entries: int


def lmdb_entries(descriptor: int, num_bytes: int) -> Iterator[Entry]:
    """Every entry of the main database, in the order of the keys; databases inside it are passed over.

    Args:
        descriptor: Of the open file.
        num_bytes: Its length.

    Raises:
        DamagedLmdb: A page makes no sense, or lies beyond the end of the file.
    """
    tree = _tree(descriptor, num_bytes)
    waiting = [(tree.root, 0)] if tree.num_entries else []
    visited = 0
    while waiting:
        number, depth = waiting.pop()
        visited += 1
        if visited > tree.num_pages or depth > _DEEPEST:
            raise DamagedLmdb("its pages lead in circles")
        page = _page(descriptor, number, tree, num_bytes)
        (flags,) = struct.unpack_from("<H", page, 10)
        if flags & _BRANCH:
            waiting += [(child, depth + 1) for child in reversed([_child(page, at) for at in _nodes(page)])]
        elif flags & _LEAF:
            for at in _nodes(page):
                entry = _entry(page, at, number, tree, num_bytes)
                if entry is not None:
                    yield entry
        else:
            raise DamagedLmdb(f"page {number:,} is neither branch nor leaf")


def _tree(descriptor: int, num_bytes: int) -> _Tree:
    """What the newer meta page says."""
    first = _meta(descriptor, 0, num_bytes)
    page_size = first[0]
    if not 512 <= page_size <= 65_536 or page_size & (page_size - 1):
        raise DamagedLmdb(f"pages of {page_size:,} bytes")
    _, entries, root, last, _ = max(first, _meta(descriptor, page_size, num_bytes), key=lambda meta: meta[4])
    if (last + 1) * page_size > num_bytes:
        raise DamagedLmdb(f"cut off: {num_bytes:,} of {(last + 1) * page_size:,} bytes")
    return _Tree(page_size, root, last + 1, entries)


def _meta(descriptor: int, offset: int, num_bytes: int) -> tuple[int, int, int, int, int]:
    """Page size, entries, root page, last page and transaction of one meta page."""
    content = os.pread(descriptor, _HEADER + 136, offset)
    if len(content) < _HEADER + 136:
        raise DamagedLmdb(f"{num_bytes:,} bytes are too few")
    flags, magic, version = *struct.unpack_from("<H", content, 10), *struct.unpack_from("<II", content, _HEADER)
    if not flags & _META or magic != _MAGIC or version != _VERSION:
        raise DamagedLmdb("no meta page of LMDB in 64 bits")
    (page_size,) = struct.unpack_from("<I", content, _HEADER + 24)
    entries, root = struct.unpack_from("<QQ", content, _HEADER + 24 + 48 + 32)
    last, transaction = struct.unpack_from("<QQ", content, _HEADER + 24 + 96)
    return page_size, entries, root, last, transaction


def _page(descriptor: int, number: int, tree: _Tree, num_bytes: int) -> bytes:
    if not 2 <= number < tree.num_pages:
        raise DamagedLmdb(f"page {number:,} of {tree.num_pages:,}")
    page = os.pread(descriptor, tree.page_size, number * tree.page_size)
    if len(page) < tree.page_size:
        raise DamagedLmdb(f"cut off at {num_bytes:,} bytes")
    return page


def _nodes(page: bytes) -> tuple[int, ...]:
    """Where the nodes of a page begin."""
    (lower,) = struct.unpack_from("<H", page, 12)
    if not _HEADER <= lower <= len(page):
        raise DamagedLmdb("a page without an end of its list")
    nodes = struct.unpack_from(f"<{(lower - _HEADER) // 2}H", page, _HEADER)
    if any(at + 8 > len(page) for at in nodes):
        raise DamagedLmdb("a node beyond its page")
    return nodes


def _child(page: bytes, at: int) -> int:
    low, high, top = struct.unpack_from("<HHH", page, at)
    return int(low | high << 16 | top << 32)


def _entry(page: bytes, at: int, number: int, tree: _Tree, num_bytes: int) -> Entry | None:
    low, high, flags, key_size = struct.unpack_from("<HHHH", page, at)
    if flags & (_SUB | _DUPLICATES):
        return None
    size, data = low | high << 16, at + 8 + key_size
    key = page[at + 8 : data]
    offset = number * tree.page_size + data
    if flags & _BIG:
        if data + 8 > len(page):
            raise DamagedLmdb("a node beyond its page")
        (overflow,) = struct.unpack_from("<Q", page, data)
        offset = overflow * tree.page_size + _HEADER
    elif data + size > len(page):
        raise DamagedLmdb("a node beyond its page")
    if offset + size > num_bytes:
        raise DamagedLmdb(f"cut off inside the value of {key[:100]!r}")
    return Entry(key, offset, size)
