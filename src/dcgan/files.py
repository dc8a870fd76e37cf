"""The only place that writes: whole files or nothing, durably where it matters.

A file is written beside its destination, flushed, and renamed over it, so that a reader sees the old one or the
new one and never half of either. Appending is for journals alone, whose readers skip a torn last line.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dcgan.errors import ExitCode, UserError


def write_atomically(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write ``content`` to ``path``, whole or not at all; ``durable`` survives a loss of power too.

    Raises:
        UserError: The disk is full, or the folder cannot be written.
    """
    write_with(path, lambda file: Path(file).write_bytes(content), durable=durable)


def write_with(path: Path, write: Callable[[Path], object], *, durable: bool = False) -> None:
    """As ``write_atomically``, for content that ``write`` puts into the file whose name it is handed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        if durable:
            _flush(temporary)
        temporary.replace(path)
        if durable:
            _flush(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def append(path: Path, text: str) -> None:
    """Append ``text`` to the end of ``path`` and hand it to the operating system."""
    try:
        with open(path, "a", encoding="utf-8", opener=_own) as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(path, error) from error


def create_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> np.memmap:
    """Create a ``.npy`` file to be filled in place. Give it a temporary name and rename it when it is full.

    Its space is taken at once: a disk that fills up while a mapped file grows would kill the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, array.offset + array.nbytes)
    return array


@contextmanager
def locked(path: Path, content: bytes) -> Iterator[None]:
    """Hold ``path`` locked, with ``content`` in it: the system unlocks it when this process ends, however it ends.

    Raises:
        BlockingIOError: Somebody else holds it.
        UserError: The folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _own(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, content)
        yield
    finally:
        os.close(descriptor)


def cache_root() -> Path:
    """The folder of prepared data and downloads: ``DCGAN_CACHE``, else the user's cache folder."""
    if chosen := os.environ.get("DCGAN_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dcgan"


def require_space(folder: Path, num_bytes: int, purpose: str) -> None:
    """Refuse before the work begins when the disk of ``folder`` cannot take ``num_bytes``.

    Raises:
        UserError: Says how much is needed, for what, and how much is free.
    """
    existing = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < num_bytes:
        raise UserError(
            f"{folder}: {purpose} needs {num_bytes / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free. "
            "Free some space, or choose another disk (DCGAN_CACHE for prepared data, --out for runs).",
            ExitCode.DISK,
        )


def _own(path: str | Path, flags: int) -> int:
    """Open a file of our own for writing. A link in its place is not followed: it may lead anywhere."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o644)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: could not be written ({error.strerror or error}).", ExitCode.DISK)


def _flush(path: Path) -> None:
    """Wait until the disk has the file, or the folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
