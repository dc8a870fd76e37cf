"""Images become answers: files, JSON, archives, tags by which a browser knows what it has."""

import base64
import hashlib
import io
import math
import zipfile
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from dcgan.commands.looks import encoded
from dcgan.data.pixels import grid, png, viewable
from dcgan.export.pictures import webp
from dcgan.runs.generator import TrainedGenerator

MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "npy": "application/octet-stream"}


def as_file(picture: np.ndarray, kind: str) -> bytes | None:
    """One image h w c as a file that loses nothing of it, to the bit what dcgan sample writes; None if it would."""
    files = encoded(picture)
    holds_all = ".npy" not in files
    if kind == "webp":
        return webp(picture) if holds_all and picture.dtype == np.uint8 else None
    if kind == "npy":
        buffer = io.BytesIO()
        np.save(buffer, picture)
        return buffer.getvalue()
    return files[".png"] if holds_all else None


def base64_of(files: Sequence[bytes]) -> list[str]:
    """For JSON."""
    return [base64.b64encode(content).decode() for content in files]


def archive(files: Sequence[bytes], names: Sequence[str]) -> bytes:
    """One zip of files that are compressed already; no time of day in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in zip(names, files, strict=True):
            made.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def sheet(images: np.ndarray) -> bytes:
    """All images on one PNG."""
    return png(grid(viewable(images), math.ceil(math.sqrt(len(images)))))


def identity_of(generator: TrainedGenerator) -> str:
    """A hash of all that decides the bytes of an image but its seed: weights, statistics, versions."""
    digest = hashlib.sha256()
    for name, tensor in sorted(generator.generator.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    for package in ("dcgan", "torch", "numpy", "pillow"):
        digest.update(version(package).encode())
    return digest.hexdigest()
