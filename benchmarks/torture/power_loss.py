"""What a disk may hold after a loss of power: every file and every name that nobody flushed may be there, or not.

The model is harder than most file systems. Of a file that was written and not flushed, the disk has what it had
before, half of what is new, zeros in its place, or all of it. Of the changes to a folder that was not flushed, it
has any subset, in their order; a rename is whole or not at all.
"""

import hashlib
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.torture.faulty_disk import Call


@dataclass
class File:
    """A file on disk and in memory."""

    durable: bytes = b""
    current: bytes = b""

    def variants(self) -> list[bytes]:
        """What the disk may have of it."""
        new, same = self.current, len(os.path.commonprefix([self.durable, self.current]))  # noqa: RUF071 - bytes
        if new == self.durable:
            return [new]
        half, zeros = new[: (same + len(new)) // 2], new[:same].ljust(len(new), b"\0")
        return [self.durable, new, half, zeros]


@dataclass
class Folder:
    """Names that the disk has, and changes that it may have."""

    durable: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list[tuple[str, str, "File | Folder | None"]] = field(default_factory=list)
    """(name that goes, name that comes, what it means)."""

    def with_changes(self, kept: Sequence[bool]) -> dict[str, "File | Folder"]:
        """The names after those changes."""
        names = dict(self.durable)
        for (gone, come, meaning), keep in zip(self.pending, kept, strict=True):
            if keep:
                names.pop(gone, None)
                if meaning is not None:
                    names[come] = meaning
        return names


State = dict[str, bytes]
"""Content by path."""


class DiskModel:
    """Follows calls, and tells what the disk may hold after each of them."""

    def __init__(self) -> None:
        self.root = Folder()
        self._live: dict[str, File | Folder] = {".": self.root}

    def apply(self, call: Call) -> None:
        """The call happened."""
        parent, _, name = call.path.rpartition("/")
        folder, node = self._live.get(parent or "."), self._live.get(call.path)
        if call.name in ("create", "mkdir"):
            if node is None:
                made: File | Folder = File() if call.name == "create" else Folder()
                self._live[call.path] = made
                self._change(folder, "", name, made)
        elif call.name == "rename":
            self._live[call.target] = self._live.pop(call.path)
            self._change(folder, name, call.target.rpartition("/")[2], self._live[call.target])
        elif call.name == "unlink" and node is not None:
            del self._live[call.path]
            self._change(folder, name, "", None)
        elif isinstance(node, File):
            self._to_file(node, call)
        elif isinstance(node, Folder) and call.name == "fsync":
            node.durable, node.pending = node.with_changes([True] * len(node.pending)), []

    def _to_file(self, file: File, call: Call) -> None:
        if call.name == "truncate":
            file.current = b""
        elif call.name == "ftruncate":
            file.current = file.current[: call.offset].ljust(call.offset, b"\0")
        elif call.name == "write":
            end = call.offset + len(call.data)
            file.current = file.current[: call.offset].ljust(call.offset, b"\0") + call.data + file.current[end:]
        elif call.name == "fsync":
            file.durable = file.current

    @staticmethod
    def _change(folder: "File | Folder | None", gone: str, come: str, meaning: "File | Folder | None") -> None:
        assert isinstance(folder, Folder), (gone, come)
        folder.pending.append((gone, come, meaning))

    def states(self, random_: random.Random, at_once: int = 24) -> Iterator[State]:
        """What the disk may hold now: all of it if that is little, else the corners and a random choice."""
        folders = [node for node in self._live.values() if isinstance(node, Folder) and node.pending]
        files = [node for node in self._live.values() if isinstance(node, File) and len(node.variants()) > 1]
        sizes = [2] * sum(len(folder.pending) for folder in folders) + [4] * len(files)
        for choice in _choices(sizes, random_, at_once):
            rest = list(choice)
            kept = {id(folder): [bool(rest.pop(0)) for _ in folder.pending] for folder in folders}
            chosen = {id(file): file.variants()[rest.pop(0)] for file in files}
            yield dict(_walk(self.root, "", kept, chosen))


def _choices(sizes: list[int], random_: random.Random, at_once: int) -> Iterator[tuple[int, ...]]:
    nothing, everything = [0] * len(sizes), [1] * len(sizes)  # the second variant of a file is all of it
    seen = {tuple(nothing), tuple(everything)}
    for place, size in enumerate(sizes):
        for value in range(size):
            seen |= {(*base[:place], value, *base[place + 1 :]) for base in (nothing, everything)}
    while len(seen) < at_once and len(sizes) > 1 and len(seen) < 2 ** len(sizes):
        seen.add(tuple(random_.randrange(size) for size in sizes))
    yield from sorted(seen)


def _walk(
    folder: Folder, path: str, kept: dict[int, list[bool]], chosen: dict[int, bytes]
) -> Iterator[tuple[str, bytes]]:
    for name, node in folder.with_changes(kept.get(id(folder), [])).items():
        if isinstance(node, Folder):
            yield from _walk(node, f"{path}{name}/", kept, chosen)
        else:
            yield path + name, chosen.get(id(node), node.durable)


def write_state(state: State, folder: Path) -> None:
    """Make it real."""
    for path, content in state.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def digest(state: State) -> str:
    """The same for equal states."""
    whole = hashlib.sha256()
    for path, content in sorted(state.items()):
        whole.update(f"{path}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()
