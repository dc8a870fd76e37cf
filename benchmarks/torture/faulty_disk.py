"""A disk that counts, remembers and fails: it stands between Python and the file system beneath one folder.

Nothing in the product knows of it. It replaces the functions of ``os``, ``io`` and ``builtins`` through which Python
reaches files; ``tests/crash/test_real_disk.py`` holds it against what the operating system sees.
"""

import builtins
import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """One call that reached the folder."""

    name: str
    path: str
    """Relative to the folder."""
    target: str = ""
    """Of a rename."""
    offset: int = 0
    """Of a write or a cut."""
    data: bytes = b""


Fault = Callable[[int, Call], None]
"""Called before each call with its number, from 1 on: may raise, kill, or return to let it happen."""


def refuse(number: int, code: int, name: str = "") -> Fault:
    """The call of that number fails with that errno. With a ``name``, the calls of that name are counted alone."""
    seen = 0

    def fault(_: int, call: Call) -> None:
        nonlocal seen
        if not name or call.name == name:
            seen += 1
            if seen == number:
                raise OSError(code, os.strerror(code), call.path)

    return fault


def kill(number: int, *, root: Path | None = None) -> Fault:
    """This process dies just before the call of that number; with a ``root``, in the middle of it if it is a write."""

    def fault(count: int, call: Call) -> None:
        if count == number:
            if root is not None and call.name == "write":
                tear(root, call)
            os.kill(os.getpid(), signal.SIGKILL)

    return fault


def tear(root: Path, call: Call) -> None:
    """Write the first half of what the call would have written."""
    with io.FileIO(root / call.path, "r+") as file:
        file.seek(call.offset)
        file.write(call.data[: len(call.data) // 2])


class Disk:
    """Use as a context manager. ``calls`` is filled meanwhile; ``fault`` may be exchanged at any time."""

    def __init__(self, root: Path, fault: Fault | None = None, *, reads: bool = True) -> None:
        """Without ``reads`` only calls that change something are seen."""
        self.root, self.fault, self.reads = os.path.realpath(root), fault, reads
        self.calls: list[Call] = []
        self._before: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        one_path = ["unlink", "remove", "mkdir", "rmdir"] + (["stat", "scandir"] if self.reads else [])
        for name in one_path:
            self._replace(os, name, self._of_path(name, getattr(os, name)))
        for name in ("replace", "rename"):
            self._replace(os, name, self._of_two(getattr(os, name)))
        for name in ("fsync", "write", "ftruncate") + (("close",) if self.reads else ()):
            self._replace(os, name, self._of_descriptor(name, getattr(os, name)))
        self._replace(os, "open", self._os_open(os.open))
        self._replace(io, "open", self._io_open(io.open))
        self._replace(builtins, "open", self._io_open(builtins.open))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._before:
            module, name, function = self._before.pop()
            setattr(module, name, function)

    def note(self, call: Call) -> None:
        """A call is about to happen."""
        self.calls.append(call)
        if self.fault is not None:
            self.fault(len(self.calls), call)

    def inside(self, path: Any) -> str | None:
        """The path relative to the folder, or None if it is not beneath it."""
        if not isinstance(path, str | os.PathLike):
            return None
        absolute = os.path.abspath(path)  # noqa: PTH100 - must not follow links
        if absolute == self.root:
            return "."
        return os.path.relpath(absolute, self.root) if absolute.startswith(self.root + os.sep) else None

    def _replace(self, module: Any, name: str, function: Any) -> None:
        self._before.append((module, name, getattr(module, name)))
        setattr(module, name, function)

    def _of_path(self, name: str, function: Any) -> Any:
        def call(path: Any = ".", *rest: Any, **more: Any) -> Any:
            if (own := self.inside(path)) is not None:
                self.note(Call({"remove": "unlink"}.get(name, name), own))
            return function(path, *rest, **more)

        return call

    def _of_two(self, function: Any) -> Any:
        def call(source: Any, target: Any, **more: Any) -> Any:
            if (own := self.inside(source)) is not None:
                self.note(Call("rename", own, self.inside(target) or ""))
            return function(source, target, **more)

        return call

    def _of_descriptor(self, name: str, function: Any) -> Any:
        def call(descriptor: int, *rest: Any) -> Any:
            if (own := self._of_number(descriptor)) is not None:
                data = bytes(rest[0]) if name == "write" else b""
                at = rest[0] if name == "ftruncate" else os.lseek(descriptor, 0, os.SEEK_CUR) if name == "write" else 0
                self.note(Call(name, own, offset=at, data=data))
            return function(descriptor, *rest)

        return call

    def _of_number(self, descriptor: int) -> str | None:
        try:
            return self.inside(Path(f"/proc/self/fd/{descriptor}").readlink())
        except OSError:
            return None

    def _os_open(self, function: Any) -> Any:
        def call(path: Any, flags: int, *rest: Any, **more: Any) -> Any:
            own = self.inside(path)
            changes = flags & (os.O_CREAT | os.O_TRUNC)
            if own is not None and (changes or self.reads):
                name = "create" if flags & os.O_CREAT and not os.path.lexists(path) else "open"
                self.note(Call("truncate" if flags & os.O_TRUNC and name == "open" else name, own))
            return function(path, flags, *rest, **more)

        return call

    def _io_open(self, function: Any) -> Any:
        def call(path: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
            own = self.inside(path)
            changes = set(mode) & set("wax+")
            if own is None or not (changes or self.reads):
                return function(path, mode, buffering, *rest, **more)
            new = changes and not os.path.lexists(path)
            self.note(Call("create" if new else "truncate" if "w" in mode else "open", own))
            more.pop("opener", None)
            raw = _File(self, own, path, mode.replace("b", "").replace("t", ""))
            if buffering == 0:
                return raw
            both = io.BufferedRandom if "+" in mode else io.BufferedWriter if changes else io.BufferedReader
            file = both(raw)
            return file if "b" in mode else io.TextIOWrapper(file, *rest, **more)

        return call


class _File(io.FileIO):
    """An open file of the folder."""

    def __init__(self, disk: Disk, own: str, path: Any, mode: str) -> None:
        super().__init__(path, mode)
        self._disk, self._own = disk, own

    def write(self, data: Any) -> int:
        offset = os.fstat(self.fileno()).st_size if "a" in self.mode else self.tell()
        self._disk.note(Call("write", self._own, offset=offset, data=bytes(data)))
        return super().write(data)

    def truncate(self, size: int | None = None) -> int:
        at = self.tell() if size is None else size
        self._disk.note(Call("ftruncate", self._own, offset=at))
        return super().truncate(at)

    def readall(self) -> bytes:
        self._note_read()
        return super().readall()

    def readinto(self, buffer: Any) -> int | None:
        self._note_read()
        return super().readinto(buffer)

    def close(self) -> None:
        if not self.closed and self._disk.reads and self._disk._before:
            try:
                self._disk.note(Call("close", self._own))
            finally:
                super().close()  # a descriptor is gone whatever close says
        super().close()

    def _note_read(self) -> None:
        if self._disk.reads:
            self._disk.note(Call("read", self._own))
