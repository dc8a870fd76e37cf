"""DatasetReport: what is in a source, what is wrong with it, and what becomes of it, in numbers and in plain words."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dcgan.wording import plain

_LISTED = 10
"""Names shown before "and so many more"."""


@dataclass(frozen=True, kw_only=True)
class DatasetReport:
    """What was found. Unless said otherwise, numbers are of the images used."""

    source: str
    num_found: int
    """Items that could have been images."""
    num_usable: int
    """Those that are."""
    num_used: int
    """Those that are left after ``limit``."""
    unreadable: tuple[tuple[str, str], ...]
    """Name and reason of every item that gave no image."""
    skipped: tuple[tuple[str, str], ...]
    """Name and reason of what was not tried at all."""
    remarks: tuple[str, ...] = ()
    """What a person should know before anything is trained, a sentence or two each."""
    form: str = ""
    """What the source was recognised as; empty for plain files."""

    smallest: tuple[int, int]
    """Height and width of the image with the fewest pixels."""
    largest: tuple[int, int]
    median: tuple[int, int]
    """Median height, median width."""
    modes: dict[str, int]
    """How files store them: RGBA, P, L, I;16, array …"""
    bit_depths: dict[str, int]
    num_transparent: int
    """Images with a pixel that is not opaque."""
    notes: dict[str, int]
    """What decoding changed, and in how many."""
    classes: dict[str, int]
    """Images of each class; empty without classes."""
    num_copies: int
    """Images whose pixels another image, earlier by name, has too."""
    copies: tuple[tuple[str, ...], ...]
    """Names of some groups of equal images."""
    twin_groups: tuple[int, ...]
    """Sizes of the groups of near-duplicates, largest first."""

    height: int
    width: int
    channels: int
    channels_reason: str
    dtype: str
    """uint8 or uint16."""
    dtype_reason: str
    transparency: str
    """What became of it."""
    num_cropped: int
    cropped_share: float
    """Mean share of the area that those lost."""
    num_padded: int
    num_stretched: int
    num_enlarged: int
    """Smaller than what they become."""
    num_reduced: int

    num_train: int
    num_held_out: int
    split_reason: str

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DatasetReport":
        """The report of a dictionary that has been through JSON.

        Raises:
            TypeError: Other fields than a report has.
        """
        return cls(**{key: _frozen(value) for key, value in values.items()})

    def lines(self) -> list[str]:
        """The report in short English, a line each."""
        return [*self.remarks, *self._found(), *self._held(), *self._becomes(), *self._refused()]

    def brief(self) -> list[str]:
        """The same for the start of a run: seven lines at most, what is wrong only counted."""
        amount, size, *_ = self._found()
        becomes, *rest, division = self._becomes()
        lines = [f"{amount}. {size}", ". ".join([becomes, *rest]), division]
        counts = {"unusable": len(self.unreadable), "left out": len(self.skipped), "exact copies": self.num_copies}
        if troubles := ", ".join(f"{count:,} {what}" for what, count in counts.items() if count):
            lines.append(f"Of its files: {troubles}. dcgan data {plain(self.source)} names them")
        remarks = [*self.remarks[:2], *(["…"] if len(self.remarks) > 2 else [])]
        return [*remarks, *(f"{line}." for line in lines)]

    def _found(self) -> Iterator[str]:
        amount = _count(self.num_used, "image")
        if self.num_used < self.num_usable:
            amount += f" of {self.num_usable:,}, chosen by their content"
        name = f"{plain(self.source)} ({plain(self.form)})" if self.form else plain(self.source)
        yield f"{name}: {amount}" + (f"; {len(self.unreadable):,} unusable" if self.unreadable else "")
        if self.smallest == self.largest:
            yield f"Size: {_size(self.median)} (height x width)"
        else:
            sizes = f"{_size(self.smallest)} to {_size(self.largest)}, median {_size(self.median)}"
            yield f"Sizes: {sizes} (height x width)"
        depths = " and ".join(f"{bits} bits" for bits in self.bit_depths)
        yield f"Stored as: {_counts(self.modes)}; {depths} a channel"
        if self.notes:
            yield f"On reading: {_counts(self.notes)}"

    def _held(self) -> Iterator[str]:
        if self.classes:
            fewest, most = min(self.classes.values()), max(self.classes.values())
            spread = f"{fewest:,}" if fewest == most else f"{fewest:,} to {most:,}"
            if len(self.classes) <= _LISTED:
                yield "Classes: " + ", ".join(f"{plain(name)} {count:,}" for name, count in self.classes.items())
            else:
                yield f"Classes: {len(self.classes):,}, of {spread} images each"
        if self.num_copies:
            example = f" ({' = '.join(plain(name) for name in self.copies[0][:3])})" if self.copies else ""
            yield f"Exact copies of another image: {self.num_copies:,}{example}"
        if self.twin_groups:
            total, largest = sum(self.twin_groups), self.twin_groups[0]
            yield f"Near-duplicates: {total:,} images in {len(self.twin_groups):,} groups, the largest of {largest:,}"

    def _becomes(self) -> Iterator[str]:
        changes = [
            f"{self.num_cropped:,} cropped ({self.cropped_share:.0%} of their area lost)" if self.num_cropped else "",
            f"{self.num_padded:,} padded" if self.num_padded else "",
            f"{self.num_stretched:,} distorted" if self.num_stretched else "",
            f"{self.num_enlarged:,} enlarged" if self.num_enlarged else "",
            f"{self.num_reduced:,} reduced" if self.num_reduced else "",
        ]
        what = ", ".join(filter(None, changes)) or "all as they are"
        yield f"Each becomes {_size((self.height, self.width))}: {what}"
        yield f"{_count(self.channels, 'channel')}: {self.channels_reason}; {self.dtype}: {self.dtype_reason}"
        if self.num_transparent:
            yield f"Transparency in {_count(self.num_transparent, 'image')}: {self.transparency}"
        yield f"Training on {self.num_train:,}, held out {self.num_held_out:,}: {self.split_reason}"

    def _refused(self) -> Iterator[str]:
        for title, entries in (("Unusable", self.unreadable), ("Left out", self.skipped)):
            if entries:
                yield f"{title}:"
                yield from (f"  {plain(name)}: {plain(reason)}" for name, reason in entries[:_LISTED])
            if len(entries) > _LISTED:
                yield f"  and {len(entries) - _LISTED:,} more"


def _frozen(value: Any) -> Any:
    """JSON's lists → tuples, all the way down."""
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _counts(counts: Mapping[str, int]) -> str:
    """``RGBA 20, P 3``: the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{plain(name)} {count:,}" for name, count in ordered)
