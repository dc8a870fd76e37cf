"""Prepares a source in parts, in processes that know nothing of each other, and puts the parts together.

A part is a folder in the cache: the images of a range of items as they were read, and ``part.json``, which is written
last. Put together, parts are what one process would have read, so all that follows from them is the same, to the bit.
"""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from dcgan import files
from dcgan.data import cache
from dcgan.data.dataset import Dataset
from dcgan.data.prepare import Progress, Reading, assemble, key_of, read_items
from dcgan.data.reading import Bad, ImageFacts
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig
from dcgan.wording import plain

MOST_PARTS = 10_000
_FACTS = tuple(field.name for field in fields(ImageFacts))


@dataclass(frozen=True)
class Part:
    """Part ``number`` of ``count``, from 1 on."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """``"3/64"`` → part 3 of 64.

        Raises:
            UserError: Not of this form.
        """
        match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text, re.ASCII)
        if match is None or not 1 <= int(match[1]) <= int(match[2]) <= MOST_PARTS:
            raise UserError(f"--part {text}: must be I/N, part I of N, such as 3/64, with N up to {MOST_PARTS:,}.")
        return cls(int(match[1]), int(match[2]))

    def items(self, total: int) -> range:
        """The items of a source of so many that belong to this part."""
        return range((self.number - 1) * total // self.count, self.number * total // self.count)

    def folder(self, key: str) -> Path:
        """Where it lies."""
        return cache.folder() / f"part-{key}-{self.number:05}-of-{self.count:05}"


def prepare_part(config: DataConfig, part: Part, progress: Progress | None = None) -> tuple[int, int]:
    """Read the images of one part and keep them in the cache, or find that this was done before.

    Returns:
        How many items it has, and how many parts are missing now.

    Raises:
        UserError: There is no such source, or no room on the disk.
    """
    source = open_source(config)
    try:
        key, numbers = key_of(source, config), part.items(len(source.items))
        place = part.folder(key)
        if not (place / "part.json").is_file():
            files.require_writable_cache()
            images = cache.Spool(place)
            reading = read_items(source, config, images, progress, numbers)
            images.finish()
            content = {
                "facts": [[_plain(getattr(facts, name)) for name in _FACTS] for facts in reading.facts],
                "bad": [[bad.index, bad.reason] for bad in reading.bad],
                "numbers": list(reading.number_of.items()),
                "images": images.contents(),
            }
            files.write_atomically(place / "part.json", json.dumps(content).encode(), durable=True)
        return len(numbers), len(_missing(key, part.count))
    finally:
        source.close()


def merge(config: DataConfig, progress: Progress | None = None) -> Dataset:
    """Put the parts of a source together; they are removed afterwards.

    Args:
        config: The source and the shape, as each part had it.
        progress: Called with (parts read, parts in all).

    Raises:
        UserError: Parts are missing or damaged, or the source is not what it was.
    """
    source = open_source(config)
    try:
        key = key_of(source, config)
        if (dataset := cache.load(key)) is None:
            parts = _complete(config, key)
            reading, spools = Reading(), _Joined()
            for done, part in enumerate(parts, start=1):
                _add(part, key, reading, spools)
                if progress is not None:
                    progress(done, len(parts))
            dataset = assemble(source, config, key, reading, spools)
            for part in parts:
                shutil.rmtree(part.folder(key), ignore_errors=True)
        return dataset.trained_on(config.labels)
    finally:
        source.close()


class _Joined:
    """The images of several parts, numbered through."""

    def __init__(self) -> None:
        self._spools: list[cache.Spool] = []

    def add(self, spool: cache.Spool) -> int:
        """Put one more behind the others; the number of its first image."""
        first = sum(map(len, self._spools))
        self._spools.append(spool)
        return first

    def drain(self) -> Iterator[tuple[int, np.ndarray]]:
        """All images with their numbers; they stay where they are."""
        first = 0
        for spool in self._spools:
            for number, picture in spool.drain(keep=True):
                yield first + number, picture
            first += len(spool)


def _add(part: Part, key: str, reading: Reading, spools: _Joined) -> None:
    """Put what one part read behind what is there."""
    place = part.folder(key)
    try:
        content = json.loads((place / "part.json").read_bytes())
        first = spools.add(cache.Spool.reopened(place, content["images"]))
        reading.facts += [_facts(values) for values in content["facts"]]
        reading.bad += [Bad(int(index), str(reason)) for index, reason in content["bad"]]
        reading.number_of |= {int(index): first + int(number) for index, number in content["numbers"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"--merge: part {part.number}/{part.count} is damaged ({plain(error)[:200]}). Remove {place} and "
            f"prepare it again: --part {part.number}/{part.count}.",
            ExitCode.DATA,
        ) from error


def _complete(config: DataConfig, key: str) -> list[Part]:
    """All parts of one division of the source.

    Raises:
        UserError: None is whole; names what is missing.
    """
    counts = sorted({part.count for part in _there(key)}, key=lambda count: len(_missing(key, count)))
    if not counts:
        raise UserError(
            f"--merge: no part of {plain(config.source)} as it is now, and as you ask for it now, is in "
            f"{cache.folder()}. Prepare all with the same options first: --part 1/N to --part N/N.",
            ExitCode.DATA,
        )
    if missing := _missing(key, counts[0]):
        names = ", ".join(f"{number}/{counts[0]}" for number in missing[:10]) + (", …" if len(missing) > 10 else "")
        raise UserError(f"--merge: {len(missing)} of {counts[0]} parts are missing: --part {names}.", ExitCode.DATA)
    return [Part(number, counts[0]) for number in range(1, counts[0] + 1)]


def _there(key: str) -> list[Part]:
    found = cache.folder().glob(f"part-{key}-*-of-*/part.json")
    names = [path.parent.name.split("-") for path in found]
    return [Part(int(name[-3]), int(name[-1])) for name in names if name[-3].isdigit() and name[-1].isdigit()]


def _missing(key: str, count: int) -> Sequence[int]:
    there = {part.number for part in _there(key) if part.count == count}
    return [number for number in range(1, count + 1) if number not in there]


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


def _facts(values: Sequence[Any]) -> ImageFacts:
    named = dict(zip(_FACTS, values, strict=True))
    return ImageFacts(**named | {"content": bytes.fromhex(named["content"]), "notes": tuple(named["notes"])})
