"""Files that somebody else wrote: regular ones only, at most so many bytes, and JSON without tricks."""

import errno
import json
import math
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NOT_A_LINK = getattr(os, "O_NOFOLLOW", 0)


def open_regular(path: str | Path, *, follow: bool = True) -> BinaryIO:
    """Open a file for reading; a FIFO is never waited for, and a device or socket never opened.

    ``follow``: whether ``path`` may be a link to a regular file.

    Raises:
        OSError: No such file, not a regular one, or no permission.
    """
    _require_regular(path, Path(path).stat(follow_symlinks=follow))
    descriptor = os.open(path, _FLAGS | (0 if follow else _NOT_A_LINK))
    try:  # something else may have taken its place a moment ago
        _require_regular(path, os.fstat(descriptor))
    except OSError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def is_regular(path: Path) -> bool:
    """Whether a regular file is there; a name that cannot be is no file."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_bytes(path: str | Path, most_bytes: int, *, follow: bool = True) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises:
        OSError: As above, or it is larger.
    """
    with open_regular(path, follow=follow) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(most_bytes + 1) if size <= most_bytes else b""
    if max(size, len(content)) > most_bytes:
        size = max(size, len(content))
        raise OSError(errno.EFBIG, f"{size:,} bytes, the limit is {most_bytes:,}", str(path))
    return content


class Bounded:
    """A stream for readers of archives, whose headers may make them ask for any amount, or for what never comes."""

    def __init__(self, file: BinaryIO) -> None:
        """A megabyte may be read before more is allowed: headers are smaller."""
        self._file, self._left, self._empty_reads_left = file, 1_000_000, 100

    def allow(self, num_bytes: int) -> None:
        """So many bytes more may be read."""
        self._left += num_bytes

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end.

        Raises:
            OSError: Asked for more than is allowed, or again and again at the end.
        """
        content = self._file.read(size) if size <= self._left else b""
        if size > self._left or self._empty_reads_left == 0:
            raise OSError(errno.EFBIG, "it declares more than it may hold")
        self._left -= len(content)
        self._empty_reads_left -= not content
        return content


def strict_json(text: str | bytes) -> Any:
    """JSON as its standard has it: no key twice, no NaN or infinity, not nested beyond reason.

    Raises:
        ValueError: Says what is wrong with it.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _require_regular(path: str | Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in content if keys.count(key) > 1)!r:.60} twice")
    return content


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text:.40} is not a finite number")
    return number
