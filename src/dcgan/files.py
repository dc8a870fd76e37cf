"""The only place that writes: whole files or nothing, durably where it matters.

A file is written beside its destination, flushed, and renamed over it, so that a reader sees the old one or the
new one and never half of either. Appending is for journals alone, whose readers skip a torn line.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from dcgan.errors import ExitCode, UserError

_ANOTHER_CACHE = "Name a folder that may be written: export DCGAN_CACHE=FOLDER"


class DiskError(UserError):
    """The disk refuses: it is full, over quota, broken or read-only."""

    def __init__(self, path: Path, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        self.reason = f"Disk full ({error.strerror})" if full else f"{error.strerror or error}"
        super().__init__(f"{path}: could not be written ({error.strerror or error}).", ExitCode.DISK)


def write_atomically(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write ``content`` to ``path``, whole or not at all; ``durable`` is read back and survives a loss of power too.

    Raises:
        DiskError: The disk is full, or the folder cannot be written. What was at ``path`` is still there.
    """

    def write(file: Path) -> None:
        file.write_bytes(content)
        if durable and file.read_bytes() != content:
            raise OSError(errno.EIO, "it reads back otherwise than it was written")

    write_with(path, write, durable=durable)


def write_with(path: Path, write: Callable[[Path], object], *, durable: bool = False) -> None:
    """As ``write_atomically``, for content that ``write`` puts into the file whose name it is handed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _make_folder(path.parent)
        try:
            write(temporary)
            if durable:
                flush(temporary)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):  # what went wrong first is what to tell
                temporary.unlink(missing_ok=True)
            raise
        if durable:
            flush(path.parent)
    except OSError as error:
        raise DiskError(path, error) from error


def append(path: Path, lines: str) -> None:
    """Append whole lines to ``path`` and hand them to the operating system, all of them or none.

    Raises:
        DiskError: Nothing was appended. Should even taking it back fail, later lines start on a line of their own.
    """
    try:
        with open(path, "a+b", buffering=0, opener=_own) as file:
            before = file.seek(0, os.SEEK_END)
            file.seek(max(0, before - 1))
            rest = (b"" if file.read(1) in (b"", b"\n") else b"\n") + lines.encode()
            try:
                while rest:
                    rest = rest[file.write(rest) :]
            except OSError:
                file.truncate(before)
                raise
    except OSError as error:
        raise DiskError(path, error) from error


def flush(path: Path) -> None:
    """Wait until the disk has the file, or the folder's list of names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system without flushing of folders: nothing more can be done
            raise
    finally:
        os.close(descriptor)


def clear_temporaries(*folders: Path) -> int:
    """Remove what ``write_with`` left half-written in a process that died; how many there were.

    Only for folders in which nobody else is writing.
    """
    stray = [path for folder in folders for path in folder.glob(".*.tmp")]
    for path in stray:
        with suppress(OSError):
            path.unlink()
    return len(stray)


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
        DiskError: The folder cannot be written.
    """
    try:
        _make_folder(path.parent)
        descriptor = _own(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise DiskError(path, error) from error
    try:
        _lock(path, descriptor)
        with suppress(OSError):  # the content is for people: the lock holds without it
            os.ftruncate(descriptor, 0)
            os.write(descriptor, content)
        yield
    finally:
        os.close(descriptor)


def cache_root() -> Path:
    """The folder of prepared data and downloads: ``DCGAN_CACHE``, else the user's cache folder."""
    if chosen := os.environ.get("DCGAN_CACHE"):
        return user_path(chosen)
    if caches := os.environ.get("XDG_CACHE_HOME"):
        return user_path(caches) / "dcgan"
    try:
        return Path.home() / ".cache" / "dcgan"
    except RuntimeError as error:
        told = "this user has no home folder to keep prepared images in"
        raise UserError(f"DCGAN_CACHE: not set, and {told}. {_ANOTHER_CACHE}", ExitCode.DISK) from error


def user_path(text: str | Path) -> Path:
    """A path as people write it: ``~`` is the home folder, whether or not a shell has seen it.

    Raises:
        UserError: There is no such home folder.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{text}: no such home folder. Write the path in full.", ExitCode.DISK) from error


def require_writable(folder: Path, advice: str) -> None:
    """Refuse before the work begins a folder in which, or in whose nearest parent, nothing may be written.

    Raises:
        UserError: Says which, and ``advice``.
    """
    existing = nearest_existing(folder)
    if not existing.is_dir():
        raise UserError(f"{folder}: {existing} is a file, not a folder. {advice}", ExitCode.DISK)
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: {existing} may not be written. {advice}", ExitCode.DISK)


def require_writable_cache() -> None:
    """Refuse before any image is read when prepared images could not be kept.

    Raises:
        UserError: Says which folder, and how to name another.
    """
    require_writable(cache_root(), _ANOTHER_CACHE)


def nearest_existing(folder: Path) -> Path:
    """The folder itself, or what there is of the folders above it; one that may not be entered counts as missing."""
    return next(parent for parent in (folder.absolute(), *folder.absolute().parents) if os.path.exists(parent))  # noqa: PTH110  # never raises


def require_space(folder: Path, num_bytes: int, purpose: str) -> None:
    """Refuse before the work begins when the disk of ``folder`` cannot take ``num_bytes``.

    Raises:
        UserError: Says how much is needed, for what, and how much is free.
    """
    free = shutil.disk_usage(nearest_existing(folder)).free
    if free < num_bytes:
        raise UserError(
            f"{folder}: {purpose} needs {num_bytes / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free. "
            "Free some space, or choose another disk (DCGAN_CACHE for prepared data, --out for runs).",
            ExitCode.DISK,
        )


def _own(path: str | Path, flags: int) -> int:
    """Open a file of our own for writing. A link in its place is not followed: it may lead anywhere."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o644)


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        raise DiskError(path, error) from error


def _make_folder(folder: Path) -> None:
    """Make it and what is missing above it, so that not even a loss of power takes a file's folder away."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        flush(made.parent)
