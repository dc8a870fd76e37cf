"""Measurements in plain words: what each measures, and how near its value is to that of real images."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dcgan.wording import number

HEAD = ("", "samples", "real images", "in words")
MEANINGS = {
    "fd": ("Fréchet distance", "How far the samples are, as a whole, from real images. Lower is better."),
    "fid": ("FID", "The Fréchet distance in the features of the Inception network. Lower is better."),
    "kid": ("Kernel distance", "The same by another rule, which does not depend on the number of samples."),
    "precision": ("Precision", "Share of the samples that lie among real images: do they look real?"),
    "recall": ("Recall", "Share of the real images that lie among samples: is every kind of them made?"),
    "density": ("Density", "How thick the real images lie where the samples are. More than 1: only usual images."),
    "coverage": ("Coverage", "Share of the real images that have a sample near them: variety and likeness in one."),
    "diversity": ("Diversity", "How much samples differ from each other; 1: as much as real images do."),
    "class_diversity": ("Diversity in a class", "The same between samples of one class."),
    "class_agreement": ("Class agreement", "How often a sample shows the class that was asked for."),
    "class_divergence": ("Divergence of classes", "How unevenly the classes appear; 0: as often as in real images."),
    "copies_ratio": ("Distance to training images", "Beside that of new real images: 1 is ideal, 0 is a copy."),
    "copies_suspects": ("Suspected copies", "Share of the samples that lie unusually near to one training image."),
    "modes": ("Modes", "Of the thousand kinds of images, how many are made."),
    "modes_hit_5": ("Modes made five times", "Of the thousand kinds of images, how many are made five times or more."),
    "modes_divergence": ("Divergence of modes", "How unevenly the kinds of images appear; lower is better."),
}
"""Measure → its name and one sentence."""
_SHARES = ("precision", "recall", "density", "coverage", "diversity", "class_diversity", "class_agreement", "modes")


class Plain(NamedTuple):
    """One measurement as a person reads it."""

    measure: str
    """A key of ``MEANINGS``."""
    detector: str
    cells: tuple[str, ...]
    """As ``HEAD`` has it."""


def plain_measures(measurements: Sequence[Mapping[str, Any]]) -> list[Plain]:
    """The measurements against the part that says most, those about single classes left out."""
    found: dict[tuple[str, str], Plain] = {}
    for one in measurements:
        measure, detector = measure_of(one), str(one["protocol"]["detector"])
        if measure in MEANINGS and not str(one["name"]).endswith("]"):
            found.setdefault((measure, detector), Plain(measure, detector, _cells(measure, one)))
    return list(found.values())


def measure_of(one: Mapping[str, Any]) -> str:
    """``kid_tiny_1k`` → ``kid``."""
    return str(one["name"]).partition(f"_{one['protocol']['detector']}_")[0]


def _cells(measure: str, one: Mapping[str, Any]) -> tuple[str, ...]:
    value, floor = float(one["value"]), None if one["floor"] is None else float(one["floor"])
    return MEANINGS[measure][0], number(value), "" if floor is None else number(floor), _words(measure, one)


def _words(measure: str, one: Mapping[str, Any]) -> str:
    """How near to real images; empty where nobody could say."""
    value, floor, interval = float(one["value"]), one["floor"], one["interval"]
    if measure == "kid" and interval is not None and float(interval[0]) <= (floor or 0.0):
        return "no difference seen"
    if measure in ("fd", "fid"):  # the kernel distance of real images is 0 but for chance: no measure for a ratio
        return "" if not floor or floor <= 0 else _times(value / float(floor))
    if measure in _SHARES:
        return _share(value / float(floor or 1.0))
    if measure == "copies_suspects":
        return "no sign of copies" if value <= 0.03 else "look at the pairs below"
    return ""


def _times(ratio: float) -> str:
    if ratio < 1.5:
        return "as near as real images"
    return f"{ratio:.2g} times that of real images" if ratio < 100 else "far from real images"


def _share(share: float) -> str:
    borders = (
        (0.9, "like real images"),
        (0.6, "much of it"),
        (0.3, "about half"),
        (0.1, "a little"),
        (0.01, "hardly any"),
    )
    return next((words for least, words in borders if share >= least), "nothing")
