"""Pickles that would do harm if anybody opened them: every way to call a function, in every wrapping that people use.

Written opcode by opcode, so that nothing is executed in making them; were one opened, the audit hook would hear it.
"""

import bz2
import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.torture.judge import exit_code, judged
from dcgan.errors import ExitCode

TARGETS = (
    ("os", "system"),
    ("posix", "system"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("subprocess", "getoutput"),
    ("torch.storage", "_load_from_bytes"),
    ("runpy", "_run_code"),
    ("pydoc", "pipepager"),
    ("numpy.testing._private.utils", "runstring"),
    ("webbrowser", "open"),
    ("shutil", "rmtree"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("functools", "partial"),
)
ARGUMENT = "touch /tmp/dcgan-was-here"


def text_reduce(module: bytes, name: bytes, word: bytes) -> bytes:
    return b"c" + module + b"\n" + name + b"\n(S'" + word + b"'\ntR."


def text_instance(module: bytes, name: bytes, word: bytes) -> bytes:
    return b"(S'" + word + b"'\ni" + module + b"\n" + name + b"\n."


def text_object(module: bytes, name: bytes, word: bytes) -> bytes:
    return b"(c" + module + b"\n" + name + b"\nS'" + word + b"'\no."


def binary(module: bytes, name: bytes, word: bytes, protocol: int = 2, call: bytes = b"R") -> bytes:
    argument = b"X" + struct.pack("<I", len(word)) + word + b"\x85"
    return b"\x80" + bytes([protocol]) + b"c" + module + b"\n" + name + b"\n" + argument + call + b"."


def stacked(module: bytes, name: bytes, word: bytes, protocol: int = 4) -> bytes:
    short = [b"\x8c" + bytes([len(part)]) + part for part in (module, name, word)]
    body = short[0] + short[1] + b"\x93" + short[2] + b"\x85R."
    return b"\x80" + bytes([protocol]) + b"\x95" + struct.pack("<Q", len(body)) + body


STYLES: tuple[Callable[[bytes, bytes, bytes], bytes], ...] = (
    text_reduce,
    text_instance,
    text_object,
    binary,
    lambda *words: binary(*words, protocol=3),
    lambda *words: binary(*words, call=b"\x81"),  # NEWOBJ
    stacked,
    lambda *words: stacked(*words, protocol=5),
    lambda *words: b"\x80\x04N0" + stacked(*words),  # something harmless first
)


def raw(payload: bytes, path: Path) -> None:
    path.write_bytes(payload)


def torch_zip(payload: bytes, path: Path, *, script: bool = False) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", payload)
        archive.writestr("archive/version", b"3\n")
        archive.writestr("archive/data/0", bytes(64))
        if script:
            archive.writestr("archive/constants.pkl", b"\x80\x02).")
            archive.writestr("archive/code/__torch__.py", b"class Net(Module):\n  pass\n")


def legacy_torch(payload: bytes, path: Path) -> None:
    magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    path.write_bytes(magic + b"\x80\x02M\xe9\x03." + payload)


def object_array(payload: bytes, path: Path) -> None:
    path.write_bytes(npy(payload))


def npy(payload: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (6, 16, 16), }\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + payload


def object_npz(payload: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", npy(payload))


def bare_npz(payload: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", payload)


def tarred(payload: bytes, path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.size = len(payload)
        archive.addfile(info, io.BytesIO(payload))
    path.write_bytes(gzip.compress(buffer.getvalue()) if path.suffix in (".gz", ".tgz") else buffer.getvalue())


def distributed(payload: bytes, path: Path) -> None:
    path.mkdir()
    (path / ".metadata").write_bytes(payload)
    (path / "__0_0.distcp").write_bytes(payload)


Wrapping = tuple[str, Callable[[bytes, Path], None]]
WRAPPINGS: tuple[Wrapping, ...] = (
    ("x.pkl", raw),
    ("weights.bin", raw),
    ("checkpoint.safetensors", raw),
    ("model.pt", torch_zip),
    ("model.zip", torch_zip),
    ("script.pt", lambda payload, path: torch_zip(payload, path, script=True)),
    ("old.pth", legacy_torch),
    ("x.npy", object_array),
    ("x.npz", object_npz),
    ("y.npz", bare_npz),
    ("x.joblib.gz", lambda payload, path: raw(gzip.compress(payload), path)),
    ("x.pkl.bz2", lambda payload, path: raw(bz2.compress(payload), path)),
    ("cifar-10-python.tar.gz", tarred),
    ("old.tar", tarred),
    ("distributed", distributed),
)
OBJECTS_IN_ARRAYS = (object_array, object_npz, bare_npz)  # a source's business alone: nobody trains into an array
NUM_CASES = len(TARGETS) * len(STYLES) * len(WRAPPINGS)


def run(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge the first ``count`` pickles of the corpus, in an order that the seed shuffles."""
    order = list(range(NUM_CASES))
    random.Random(seed).shuffle(order)
    numbers = iter(order[already.get("cases", 0) :])
    return judged(lambda _, folder: case(next(numbers), folder), min(count, NUM_CASES), seed, already)


def case(number: int, folder: Path) -> str:
    """One pickle, given as images to learn from, and as a run to sample from: refused by name both times."""
    rest, style = divmod(number, len(STYLES))
    wrapping, target = divmod(rest, len(TARGETS))
    module, function = TARGETS[target]
    payload = STYLES[style](module.encode(), function.encode(), ARGUMENT.encode())
    name, wrap = WRAPPINGS[wrapping]
    path = folder / name
    wrap(payload, path)
    codes = {door: exit_code(*words) for door, words in doors(path, folder).items()}
    expected = {"data": ExitCode.UNSAFE, "sample": ExitCode.UNSAFE}
    if wrap in OBJECTS_IN_ARRAYS:
        expected["sample"] = ExitCode.CHECKPOINT
    assert codes == expected, (name, payload, codes)
    return "refused"


def doors(path: Path, folder: Path) -> dict[str, tuple[str, ...]]:
    return {
        "data": ("data", str(path), "--size", "16"),
        "sample": ("sample", str(path), "--seeds", "0", "--out", str(folder / "out")),
    }
