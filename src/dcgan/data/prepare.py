"""A source → one packed array of equal images, its labels, split and fingerprint: decoded once, remembered.

What an image becomes never depends on file names, times or the order of reading; only content and config decide.
"""

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from dcgan import files
from dcgan.data import cache
from dcgan.data.dataset import Dataset
from dcgan.data.reading import Bad, Good, ImageFacts, read_all
from dcgan.data.sources.items import Source
from dcgan.data.sources.open import is_named, open_source
from dcgan.data.split import outlines, split
from dcgan.data.summary import Form, summarize
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig
from dcgan.wording import plain

__all__ = ["Dataset", "prepare"]

_FORMAT = 1
"""Raised whenever the same files would become other pixels, or be split otherwise, than before."""
_SHAPING = ("height", "width", "fit", "resample", "alpha", "background")
Progress = Callable[[int, int], None]


def prepare(config: DataConfig, progress: Progress | None = None) -> Dataset:
    """Bring every image of the source to one shape, or find that this was done before.

    Args:
        config: The source and the shape.
        progress: Called with (images read, images in all) after each image; not at all when nothing must be read.

    Raises:
        UserError: There is no such source, over half of it is unusable, or the disk is too small.
    """
    source = open_source(config)
    try:
        key = key_of(source, config)
        dataset = cache.load(key) or _prepare(source, config, key, progress)
        return dataset.trained_on(config.labels)
    finally:
        source.close()


@dataclass
class Reading:
    """What reading the source gave."""

    facts: list[ImageFacts] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    number_of: dict[int, int] = field(default_factory=dict)
    """Item → its number in the spool; with a limit, only those that may be chosen."""


def _prepare(source: Source, config: DataConfig, key: str, progress: Progress | None) -> Dataset:
    files.require_writable_cache()
    with cache.spool() as images:
        reading = read_items(source, config, images, progress, range(len(source.items)))
        return assemble(source, config, key, reading, images)


def assemble(source: Source, config: DataConfig, key: str, reading: Reading, images: cache.Pictures) -> Dataset:
    """Pack what was read of a source, and remember it under ``key``.

    Raises:
        UserError: Over half of it is unusable, or the disk is too small.
    """
    usable = _of_one_kind(reading)
    _require_enough(source, config, usable, reading.bad)
    usable.sort(key=lambda facts: _content_order(source, facts))
    used = usable[: config.limit]
    form = Form.of(used, config)
    name, fingerprint, labelled = _fingerprints(source, used, form, config)
    test = np.array([source.items[facts.index].test for facts in used])
    shape, dtype = (len(used), config.height, config.width, form.channels), np.dtype(form.dtype)
    array = cache.open_array(name, shape, dtype)
    if array is None:
        row_of = {reading.number_of[facts.index]: row for row, facts in enumerate(used)}
        files.require_space(cache.folder(), int(np.prod(shape)) * dtype.itemsize, "prepared data")
        cache.pack(name, shape, dtype, images, row_of)
        array = cache.open_array(name, shape, dtype)
    assert array is not None, name
    division = split([facts.content for facts in used], outlines(array), test, held_out=config.held_out)
    if len(division.train) < 2:
        raise UserError(
            f"{plain(config.source)}: {len(division.train)} of its images are for training, the others are its test "
            "split; at least two are needed.",
            ExitCode.DATA,
        )
    report = summarize(source, config, usable=usable, used=used, bad=reading.bad, form=form, division=division)
    dataset = Dataset(
        pixels=array,
        labels=_labels(source, used),
        class_names=source.class_names,
        names=tuple(source.items[facts.index].name for facts in used),
        train=division.train,
        held_out=division.held_out,
        fingerprint=fingerprint,
        labelled_fingerprint=labelled,
        report=report,
    )
    cache.save_manifest(key, dataset, name)
    return dataset


def read_items(
    source: Source, config: DataConfig, images: cache.Spool, progress: Progress | None, numbers: range
) -> Reading:
    """Read these items once; pixels into the spool as far as they may be used, facts into memory."""
    reading, chosen = Reading(), _Chosen(config.limit)
    total, most_bytes = len(numbers), 0
    for done, result in enumerate(read_all(source, config, numbers), start=1):
        if isinstance(result, Bad):
            reading.bad.append(result)
        else:
            needed = _final_bytes(result, config)
            if needed > most_bytes:  # the first image tells, and the first that needs more
                most_bytes = needed
                files.require_space(cache.folder(), min(total, config.limit or total) * needed, "prepared data")
            reading.facts.append(result.facts)
            if chosen.may_have(result.facts):
                reading.number_of[result.facts.index] = images.add(result.picture)
        if progress is not None:
            progress(done, total)
    return reading


class _Chosen:
    """Knows which images can still be among the ``limit`` smallest content hashes of their kind."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._smallest: dict[int | None, list[int]] = {}

    def may_have(self, facts: ImageFacts) -> bool:
        """Whether this image is among them so far."""
        if self._limit is None:
            return True
        heap, rank = self._smallest.setdefault(facts.array_channels, []), -int.from_bytes(facts.content)
        if len(heap) < self._limit:
            heapq.heappush(heap, rank)
            return True
        return rank >= heap[0] and heapq.heappushpop(heap, rank) <= rank


def _final_bytes(good: Good, config: DataConfig) -> int:
    """Bytes that each image of the array will need at least when this one is in it."""
    return config.height * config.width * good.facts.channels * (2 if config.bits == "16" else 1)


def _of_one_kind(reading: Reading) -> list[ImageFacts]:
    """The images that can share an array; those with another number of channels than most become unusable."""
    kinds = Counter(facts.array_channels for facts in reading.facts)
    if not kinds:
        return []
    most = max(kinds, key=lambda kind: (kinds[kind], kind is None, -(kind or 0)))
    usual = "grey or colour" if most is None else f"{most} channels"
    for facts in reading.facts:
        if facts.array_channels != most:
            channels = facts.array_channels or facts.channels
            reading.bad.append(Bad(facts.index, f"{channels} channels, most others have {usual}"))
    reading.bad.sort(key=lambda bad: bad.index)
    return [facts for facts in reading.facts if facts.array_channels == most]


def _require_enough(source: Source, config: DataConfig, usable: Sequence[ImageFacts], bad: Sequence[Bad]) -> None:
    """Refuse a source that is mostly not what it should be."""
    total = len(source.items)
    if len(usable) >= 2 and 2 * len(bad) <= total:
        return
    reasons = "".join(f"\n  {plain(source.items[one.index].name)}: {plain(one.reason)}" for one in bad[:5])
    more = f"\n  and {len(bad) - 5:,} more" if len(bad) > 5 else ""
    wrong = "over half of them must be" if len(usable) >= 2 else "at least two are needed"
    remarks = "".join(f"\n{plain(remark)}" for remark in source.remarks)
    raise UserError(
        f"{plain(config.source)}: {len(usable):,} of {total:,} images can be used; {wrong}.{remarks}{reasons}{more}",
        ExitCode.DATA,
    )


def _content_order(source: Source, facts: ImageFacts) -> tuple[bytes, bool, int, str]:
    """Rows are sorted by content; the rest only orders exact copies."""
    item = source.items[facts.index]
    return facts.content, item.test, -1 if item.label is None else item.label, item.name


def _labels(source: Source, used: Iterable[ImageFacts]) -> np.ndarray | None:
    labels = [source.items[facts.index].label for facts in used]
    known = [label for label in labels if label is not None]
    return np.array(known, dtype=np.int64) if source.class_names and len(known) == len(labels) else None


def key_of(source: Source, config: DataConfig) -> str:
    """The name of the manifest: a hash of all that can be known without opening an image."""
    place = config.source
    if not is_named(place):  # two folders may agree in all the rest
        place = str(Path(place).expanduser().resolve())
    settings = asdict(replace(config, source=place, labels=False))  # they are known, trained on or not
    items = [(item.name, item.stamp, item.label, item.test) for item in source.items]
    parts = [_FORMAT, source.name, settings, items, list(source.skipped), source.class_names, source.remarks]
    parts += [source.form] if source.form else []  # what was prepared before there were forms stays known
    return _hash(json.dumps(parts, separators=(",", ":")).encode())


def _fingerprints(source: Source, used: Sequence[ImageFacts], form: Form, config: DataConfig) -> tuple[str, str, str]:
    """The name of the array (content and shaping), and two fingerprints of all that training sees: with labels last."""
    shaping = {key: value for key, value in asdict(config).items() if key in _SHAPING}
    shaping |= {"channels": form.channels, "dtype": form.dtype, "format": _FORMAT}
    name = _hash(json.dumps(shaping, sort_keys=True).encode(), *(facts.content for facts in used))
    items = [source.items[facts.index] for facts in used]
    plain, labelled = [[item.test, None] for item in items], [[item.test, item.label] for item in items]
    return name, _hash(name.encode(), json.dumps(plain).encode()), _hash(name.encode(), json.dumps(labelled).encode())


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:32]
