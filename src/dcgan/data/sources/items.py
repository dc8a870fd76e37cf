"""The words of this room: what a source holds, and what decoding one of its images gives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np


@dataclass(frozen=True)
class Decoded:
    """One image, exactly as its file holds it."""

    pixels: np.ndarray
    """h w c, uint8 or uint16; c = 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA (straight alpha).
    When ``mode`` is ``"array"`` the channels mean nothing that is known here, and there may be any number."""
    mode: str
    """How the file stores it: P, LA, RGBA, CMYK, 1, L, I;16, RGB;16, array …"""
    notes: tuple[str, ...] = ()
    """What was changed on the way, from a small vocabulary so that it can be counted."""


class Unreadable(Exception):  # noqa: N818  # it is a state of the file, not of the program
    """This file gives no image; the message is the reason in plain words."""


@dataclass(frozen=True)
class Item:
    """What could be an image."""

    name: str
    """Its place inside the source, "/"-separated and safe to print: a label for people, never a path."""
    stamp: str
    """Changes when the content does, and costs nothing to know."""
    label: int | None = None
    """Index into the source's class names."""
    test: bool = False
    """Belongs to the source's official test split."""


class Source(ABC):
    """Images by number, in the order of their names."""

    def __init__(
        self,
        name: str,
        items: Sequence[Item],
        *,
        class_names: Sequence[str] = (),
        skipped: Sequence[tuple[str, str]] = (),
        remarks: Sequence[str] = (),
        form: str = "",
    ) -> None:
        """A source of these items.

        Args:
            name: Of the source; letters that could steer a file name are replaced.
            items: In the order of their numbers.
            class_names: In the order of the labels.
            skipped: Names and reasons of what is left out.
            remarks: What a person should know before the images are used, a sentence each.
            form: What the source was recognised as, such as ``"CSV of pixels"``; empty for plain files.
        """
        self.name = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name) or "images"
        self.items = items
        self.class_names = tuple(class_names)
        self.skipped = skipped
        self.remarks = tuple(remarks)
        self.form = form

    @abstractmethod
    def read(self, index: int) -> Decoded:
        """Decode ``items[index]``; from several threads at once if wished.

        Raises:
            Unreadable: Says why there is no image.
        """

    def close(self) -> None:  # noqa: B027  # most sources hold nothing open
        """Let go of open files."""


@final
class Selection(Source):
    """Only the images of some classes of another source."""

    def __init__(self, source: Source, class_names: Sequence[str]) -> None:
        kept = [name for name in source.class_names if name in class_names]
        new_label = {source.class_names.index(name): label for label, name in enumerate(kept)}
        self._source = source
        self._indices = [index for index, item in enumerate(source.items) if item.label in new_label]
        items = [
            Item(item.name, item.stamp, new_label[item.label], item.test)
            for item in (source.items[index] for index in self._indices)
            if item.label is not None
        ]
        super().__init__(
            source.name, items, class_names=kept, skipped=source.skipped, remarks=source.remarks, form=source.form
        )

    def read(self, index: int) -> Decoded:
        """Decode one image."""
        return self._source.read(self._indices[index])

    def close(self) -> None:
        """Let go of open files."""
        self._source.close()


def printable(name: str) -> str:
    """A file name as text that any terminal takes: undecodable bytes and control characters as escapes."""
    if name.isprintable():
        return name
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    )
