"""Python pickles, recognised by their look alone so that they can be refused by name: unpickling can run any code.

What PyTorch, NumPy, scikit-learn and Keras users call weights or data is often one: .pt, .pth, .pkl, .joblib, a
TorchScript archive, a folder of torch.distributed.checkpoint, CIFAR-10's Python version.
"""

import bz2
import gzip
import io
import os
import pickletools
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO

from dcgan.errors import ExitCode, UserError
from dcgan.foreign import Bounded, open_regular

LOOK = 65_536  # bytes that are looked at
_MOST_TAR_BYTES = 100_000_000
_ENDINGS = (".pkl", ".pickle")  # as in the data.pkl of torch.save and TorchScript
_COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
}


def refuse_pickle(path: Path, expected: str) -> None:
    """Refuse a pickle, an archive of pickles, or a folder that a pickle describes; anything else passes.

    Raises:
        UserError: It is one; ``expected`` says what it should have been.
    """
    try:
        found = _in_folder(path) if path.is_dir() else path if _holds_pickle(path) else None
    except (
        Exception
    ):  # hostile bytes make the readers of archives raise anything; who comes next will say what is wrong
        return
    if found is not None:
        raise UserError(
            f"{found}: holds a Python pickle, which can run any code, and was not opened. Expected {expected}.",
            ExitCode.UNSAFE,
        )


def is_pickle(beginning: bytes) -> bool:
    """Whether these first bytes are those of a pickle. Nothing is executed: ``pickletools`` only takes it apart."""
    if beginning[:1] == b"\x80" and beginning[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return True
    if not beginning[:1] or beginning[:1] not in b"(]}clicdINFLSVUTJKMG":
        return False
    try:  # protocols 0 and 1 have no mark: it is one if it reads as one to its end
        last = [code.name for code, _, _ in pickletools.genops(io.BytesIO(beginning))][-1]
    except Exception:  # whatever the disassembler stumbles over
        return False
    return last == "STOP"


def _in_folder(path: Path) -> Path | None:
    """The ``.metadata`` of torch.distributed.checkpoint, or a file whose name says it, at the top of a folder."""
    names = sorted(entry.name for entry in os.scandir(path) if entry.is_file(follow_symlinks=False))
    suspects = [name for name in names if name == ".metadata" or name.endswith((*_ENDINGS, ".pt", ".pth", ".distcp"))]
    return next((path / name for name in suspects[:100] if _holds_pickle(path / name)), None)


def _holds_pickle(path: Path) -> bool:
    with open_regular(path) as file:
        beginning = file.read(LOOK)
        file.seek(0)
        if beginning.startswith(b"PK"):
            return _in_zip(file)
        opener = next((opener for mark, opener in _COMPRESSED.items() if beginning.startswith(mark)), None)
        if opener is not None:
            with opener(file) as inside:
                beginning = inside.read(LOOK)
        if beginning[257:262] == b"ustar":
            file.seek(0)
            return _in_tar(file, compressed=opener is not None)
    return is_pickle(beginning)


def _in_zip(file: IO[bytes]) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith(_ENDINGS) for name in archive.namelist())


def _in_tar(file: BinaryIO, *, compressed: bool) -> bool:
    """Read as a stream; its members' names are only names."""
    unpacked: Any = gzip.GzipFile(fileobj=file) if compressed else file
    stream: Any = Bounded(unpacked)
    num_bytes = 0
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            num_bytes += member.size
            if num_bytes > _MOST_TAR_BYTES:
                break
            stream.allow(member.size)
            inside = archive.extractfile(member) if member.isreg() else None
            if inside is not None and is_pickle(inside.read(LOOK)):
                return True
    return False
