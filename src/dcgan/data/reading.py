"""A source → its images, decoded once, in parallel, in order, each with what is worth remembering of it.

Threads, not processes: decoding, resizing and hashing let go of Python's lock, nothing has to be copied between
processes, and a source stays open once.
"""

import hashlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from dcgan.data.decoding.large_images import turn
from dcgan.data.shape import keeps_channels, shape_image
from dcgan.data.sources.items import Decoded, Source, Unreadable
from dcgan.limits import available_threads
from dcgan.settings.knobs import DataConfig

_IMAGES_A_TASK = 16
_MOST_THREADS = 32
_TRIED = 4
_QUICK_SECONDS = 3e-4  # of shorter work, threads do little: they hand Python's lock to one another

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What is remembered of one good image."""

    index: int
    """Its number in the source."""
    content: bytes
    """Hash of its decoded pixels: 16 bytes. The same image in two files, or in two formats, has one."""
    height: int
    width: int
    bits: int
    """8 or 16, as it came."""
    mode: str
    transparent: bool
    notes: tuple[str, ...]
    array_channels: int | None
    """Channels that mean neither grey nor RGB, which all images must then have; None for a picture."""
    channels: int
    """Of the shaped image."""
    is_flat: bool
    """Whether the shaped image is one colour all over."""
    lowest: int
    highest: int
    """Of the numbers in the file, transparency aside."""


@dataclass(frozen=True, slots=True)
class Good:
    """A shaped image, h w c, and what is remembered of it."""

    facts: ImageFacts
    picture: np.ndarray


@dataclass(frozen=True, slots=True)
class Bad:
    """An item that gives no image, and why."""

    index: int
    reason: str


def read_all(source: Source, config: DataConfig, numbers: range) -> Iterator[Good | Bad]:
    """These items of the source in order, on as many threads as help; never raises for what is in a file.

    The first few are read here and say how long one takes.
    """
    count, least = len(numbers), math.inf
    tried = min(_TRIED, count)
    for index in numbers[:tried]:
        began = time.perf_counter()
        result = _read(source, index, config)
        least = min(least, time.perf_counter() - began)
        yield result
    most = 2 if least < _QUICK_SECONDS else _MOST_THREADS
    yield from in_parallel(lambda index: _read(source, numbers[tried + index], config), count - tried, most=most)


def in_parallel(function: Callable[[int], Result], count: int, most: int = _MOST_THREADS) -> Iterator[Result]:
    """``function(0)``, ``function(1)``, … on ``most`` processors, in order; little is computed ahead of the reader."""
    workers = min(most, available_threads())

    def task(start: int) -> list[Result]:
        return [function(index) for index in range(start, min(start + _IMAGES_A_TASK, count))]

    waiting: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="dcgan-data") as pool:
        try:
            for start in range(0, count, _IMAGES_A_TASK):
                waiting.append(pool.submit(task, start))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def content_hash(decoded: Decoded) -> bytes:
    """16 bytes that depend on the pixels alone, not on the file's name or compression."""
    pixels = np.ascontiguousarray(decoded.pixels)
    digest = hashlib.sha256(f"{pixels.shape} {pixels.dtype}".encode())
    digest.update(pixels.data)
    return digest.digest()[:16]


def _read(source: Source, index: int, config: DataConfig) -> Good | Bad:
    try:
        with turn():
            return _good(source, index, config)
    except Unreadable as error:
        return Bad(index, str(error))
    except OSError as error:
        return Bad(index, f"could not be read ({error.strerror or error})")
    except MemoryError:
        return Bad(index, "needs more memory than there is")


def _good(source: Source, index: int, config: DataConfig) -> Good:
    decoded = source.read(index)
    picture = shape_image(decoded, config)
    height, width, channels = decoded.pixels.shape
    keeps = keeps_channels(decoded, config)
    transparent = channels in (2, 4) and decoded.mode != "array"
    colours = decoded.pixels[:, :, :-1] if transparent else decoded.pixels
    facts = ImageFacts(
        index=index,
        content=content_hash(decoded),
        height=height,
        width=width,
        bits=8 * decoded.pixels.dtype.itemsize,
        mode=decoded.mode,
        transparent=transparent,
        notes=decoded.notes,
        array_channels=channels if keeps and channels not in (1, 3) else None,
        channels=picture.shape[2],
        is_flat=bool((picture == picture[:1, :1]).all()),
        lowest=int(colours.min()),
        highest=int(colours.max()),
    )
    return Good(facts, picture)
