"""The facts of single images → the one form they all take, and the report of them together."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dcgan.data.reading import Bad, ImageFacts
from dcgan.data.remarks import pixel_remarks
from dcgan.data.report import DatasetReport
from dcgan.data.shape import Placement, place
from dcgan.data.sources.items import Source
from dcgan.data.split import Split
from dcgan.settings.knobs import DataConfig


@dataclass(frozen=True)
class Form:
    """Channels and type that all images share, and the words for why."""

    channels: int
    channels_reason: str
    dtype: Literal["uint8", "uint16"]
    dtype_reason: str
    remarks: tuple[str, ...] = ()
    """What is lost."""

    @classmethod
    def of(cls, used: Sequence[ImageFacts], config: DataConfig) -> "Form":
        """Channels in which nothing is lost, and the bits that most images have, unless others were asked for."""
        channels, channels_reason = _channels(used, config)
        deep = sum(facts.bits == 16 for facts in used)
        if config.bits != "auto":
            return cls(channels, channels_reason, "uint16" if config.bits == "16" else "uint8", "as asked")
        if deep == 0:
            return cls(channels, channels_reason, "uint8", "no image has more than 8 bits")
        have = f"{deep:,} of {len(used):,} {'image has' if deep == 1 else 'images have'} 16 bits"
        if 2 * deep > len(used):
            others = f"; the other {len(used) - deep:,} are widened, which is exact" if deep < len(used) else ""
            return cls(channels, channels_reason, "uint16", f"{have}{others}")
        lost = f"{have} and {'is' if deep == 1 else 'are'} rounded to 8, since most have 8. --bits 16 keeps them."
        return cls(channels, channels_reason, "uint8", "most images have 8 bits", (lost,))


def summarize(
    source: Source,
    config: DataConfig,
    *,
    usable: Sequence[ImageFacts],
    used: Sequence[ImageFacts],
    bad: Sequence[Bad],
    form: Form,
    division: Split,
) -> DatasetReport:
    """The report of a prepared source."""
    names = [item.name for item in source.items]
    sizes = np.array([(facts.height, facts.width) for facts in used])
    areas = sizes.prod(axis=1)
    copies = _copies(names, used)
    return DatasetReport(
        source=source.name,
        num_found=len(names),
        num_usable=len(usable),
        num_used=len(used),
        unreadable=tuple((names[one.index], one.reason) for one in bad),
        skipped=tuple((str(name), str(reason)) for name, reason in source.skipped),
        remarks=(*source.remarks, *form.remarks, *pixel_remarks(used, config)),
        form=source.form,
        smallest=_pair(sizes[areas.argmin()]),
        largest=_pair(sizes[areas.argmax()]),
        median=_pair(np.median(sizes, axis=0)),
        modes=dict(Counter(facts.mode for facts in used).most_common()),
        bit_depths={str(bits): count for bits, count in sorted(Counter(facts.bits for facts in used).items())},
        num_transparent=sum(facts.transparent for facts in used),
        notes=dict(Counter(note for facts in used for note in facts.notes).most_common()),
        classes=_classes(source, used),
        num_copies=sum(len(group) - 1 for group in copies),
        copies=tuple(tuple(group[:8]) for group in copies[:8]),
        twin_groups=division.group_sizes,
        height=config.height,
        width=config.width,
        channels=form.channels,
        channels_reason=form.channels_reason,
        dtype=form.dtype,
        dtype_reason=form.dtype_reason,
        transparency=_transparency(config),
        num_train=len(division.train),
        num_held_out=len(division.held_out),
        split_reason=division.reason,
        **_changes(sizes, config),
    )


def _channels(used: Sequence[ImageFacts], config: DataConfig) -> tuple[int, str]:
    asked = {"grey": 1, "rgb": 3, "rgba": 4}
    if config.channels != "auto":
        return asked[config.channels], f"{config.channels}, as asked"
    if used[0].array_channels is not None:
        return used[0].array_channels, "as in the arrays"
    coloured = sum(facts.channels == 3 for facts in used)
    if coloured == 0:
        return 1, "every image is grey"
    return 3, "colour" if coloured == len(used) else f"{coloured:,} of {len(used):,} images have colour"


def _transparency(config: DataConfig) -> str:
    if config.channels == "rgba":
        return "kept as a fourth channel"
    return "dropped" if config.alpha == "drop" else f"painted over {config.background}"


def _changes(sizes: np.ndarray, config: DataConfig) -> dict[str, Any]:
    """How many images are cropped, padded, distorted, enlarged, reduced."""
    counts: Counter[str] = Counter()
    lost = 0.0
    kinds, numbers = np.unique(sizes, axis=0, return_counts=True)
    for (height, width), number in zip(kinds.tolist(), numbers.tolist(), strict=True):
        placement = place(height, width, config)
        for change in _changes_of(placement, height, width, config):
            counts[change] += number
        lost += number * (1 - placement.height * placement.width / (height * width))
    cropped_share = lost / counts["num_cropped"] if counts["num_cropped"] else 0.0
    fields = ("num_cropped", "num_padded", "num_stretched", "num_enlarged", "num_reduced")
    return {**{name: counts[name] for name in fields}, "cropped_share": round(cropped_share, 4)}


def _changes_of(placement: Placement, height: int, width: int, config: DataConfig) -> list[str]:
    """The report's fields that count an image of this size."""
    changes = []
    if (placement.height, placement.width) != (height, width):
        changes.append("num_cropped")
    if (placement.new_height, placement.new_width) != (config.height, config.width):
        changes.append("num_padded")
    if config.fit == "stretch" and height * config.width != width * config.height:
        changes.append("num_stretched")
    if placement.new_height > placement.height or placement.new_width > placement.width:
        changes.append("num_enlarged")
    elif placement.resizes:
        changes.append("num_reduced")
    return changes


def _copies(names: Sequence[str], used: Sequence[ImageFacts]) -> list[list[str]]:
    """Names of images with equal pixels, the largest groups first."""
    groups: defaultdict[bytes, list[str]] = defaultdict(list)
    for facts in used:
        groups[facts.content].append(names[facts.index])
    copies = [sorted(group) for group in groups.values() if len(group) > 1]
    return sorted(copies, key=lambda group: (-len(group), group))


def _classes(source: Source, used: Sequence[ImageFacts]) -> dict[str, int]:
    counts = Counter(source.items[facts.index].label for facts in used)
    return {name: counts[label] for label, name in enumerate(source.class_names)}


def _pair(numbers: np.ndarray) -> tuple[int, int]:
    return round(float(numbers[0])), round(float(numbers[1]))
