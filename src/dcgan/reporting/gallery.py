"""Grids as data URIs within a fixed number of bytes, so that a page never grows with its run."""

import base64
import functools
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from dcgan.foreign import open_regular
from dcgan.runs.folder import RunFolder

MOST_FRAMES = 24
SHARE = 3_300_000 // (MOST_FRAMES + 13)  # the newest and the real grids, evaluation's sheets, explorations
"""Bytes of a picture before base64 makes it a third longer; the newest and the real ones get twice as many."""
WIDEST = 1320
"""Pixels; more are not seen on a page."""


@dataclass(frozen=True)
class Picture:
    """One embedded picture."""

    address: str
    """A data URI."""
    width: int
    height: int
    exact: bool
    """Whether these are the file's own pixels."""


@dataclass(frozen=True)
class Gallery:
    """The pictures of a run, oldest first; None for what is not there."""

    frames: list[tuple[int, Picture]]
    num_grids: int
    reals: Picture | None
    fresh: Picture | None


def hang(run: RunFolder) -> Gallery:
    """Choose and embed the grids of a run: the first, the newest, and what fits between; the real ones beside them."""
    previews = run.previews()
    chosen = spread(previews, MOST_FRAMES)
    frames = []
    for index, (images_seen, path) in enumerate(chosen):
        last = index == len(chosen) - 1
        if picture := embed(path, 2 * SHARE if last else SHARE):
            frames.append((images_seen, picture))
    fresh = [picture for path in run.fresh_previews()[-1:] if (picture := embed(path, SHARE))]
    return Gallery(frames, len(previews), embed(run.reals, 2 * SHARE), fresh[0] if fresh else None)


def spread(items: list[tuple[int, Path]], most: int) -> list[tuple[int, Path]]:
    """At most ``most`` of the items, evenly, with the first and the last."""
    if len(items) <= most:
        return items
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def embed(path: Path, most_bytes: int) -> Picture | None:
    """A picture in at most so many bytes: as it is, else as WebP, else smaller. None when it cannot be read."""
    try:
        return _embed(path, path.stat().st_mtime_ns, most_bytes)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


@functools.lru_cache(maxsize=64)
def _embed(path: Path, changed: int, most_bytes: int) -> Picture:
    """Remembered while the file does not change: a page is written again and again while a run grows."""
    with open_regular(path) as file, Image.open(file, formats=["PNG"]) as picture:
        picture.load()
    if path.stat().st_size <= most_bytes and picture.width <= WIDEST and picture.format == "PNG":
        return _picture("png", path.read_bytes(), picture, exact=True)
    scale = min(1.0, WIDEST / picture.width)
    for quality in (92, 80, 65, *[50] * 8):
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        smaller = picture if scale == 1 else picture.resize(size, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        smaller.save(buffer, format="WEBP", quality=quality, method=2)
        if buffer.tell() <= most_bytes:
            return _picture("webp", buffer.getvalue(), smaller, exact=False)
        scale *= 1.0 if quality > 65 else 0.7
    raise ValueError(path)


def _picture(kind: str, content: bytes, picture: Image.Image, *, exact: bool) -> Picture:
    address = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Picture(address, picture.width, picture.height, exact)
