"""Naming: what a direction does to images, measured, and a name for it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from dcgan.exploration.attributes import Attribute
from dcgan.exploration.points import Points
from dcgan.tensors import Pixels

LEAST = 1.0  # standard deviations between samples: what changes less has no part in a name
ASKED = ("attribute", "class", "function")  # methods that look for a direction by its name

Draw = Callable[[Points], Pixels]


@dataclass(frozen=True)
class Direction:
    """One direction, and what it does."""

    vector: Tensor
    """z, of length 1."""
    method: str
    name: str = ""
    ends: tuple[str, str] = ("", "")
    """What an image becomes at both ends."""
    pixel_change: float = 0.0
    """Mean change of a pixel from the middle to the ends, of 255 grey levels."""
    effect: tuple[tuple[str, float], ...] = ()
    """Change of each attribute from end to end, in standard deviations between samples; the strongest first."""
    share: float | None = None
    """Of all change, or of the attribute, as the method has it."""

    @property
    def side_effects(self) -> list[tuple[str, float]]:
        """What else changes, the strongest first."""
        others = self.effect[1:] if self.name.startswith(self.effect[0][0]) else self.effect
        return [(name, change) for name, change in others if abs(change) >= LEAST]

    def to_json(self, reach: float) -> dict[str, Any]:
        """Its entry in ``directions.json``: see ``exploration.directions``."""
        return {
            "name": self.name,
            "method": self.method,
            "vector": [float(f"{value:.9g}") for value in self.vector.tolist()],
            "range": [-reach, reach],
            "ends": list(self.ends),
            "pixel_change": round(self.pixel_change, 3),
            "effect": {name: round(change, 3) for name, change in self.effect},
            "share": None if self.share is None else round(self.share, 5),
        }


@dataclass(frozen=True)
class Scale:
    """What samples are like, to measure changes by."""

    attributes: tuple[Attribute, ...]
    deviations: Tensor
    """Of each attribute between samples."""
    measure: Callable[[Pixels], Tensor]


def described(direction: Direction, points: Points, reach: float, draw: Draw, scale: Scale) -> Direction:
    """The direction with its effect measured at ``points``, turned so that what changes most grows, and its ends named.

    A direction that has a name already keeps it.
    """
    low, middle, high = (draw(points.moved(place * direction.vector)) for place in (-reach, 0.0, reach))
    white = torch.iinfo(middle.dtype).max
    moved = torch.cat([low.float() - middle.float(), high.float() - middle.float()]).abs().mean() * 255 / white
    change = (scale.measure(high) - scale.measure(low)).mean(dim=0) / scale.deviations
    order = change.abs().argsort(descending=True).tolist()
    strongest = scale.attributes[order[0]]
    known = [attribute.name for attribute in scale.attributes]
    if direction.name in known:
        order.remove(known.index(direction.name))
        order.insert(0, known.index(direction.name))
    elif not direction.name and float(change[order[0]].abs()) >= LEAST:
        direction = replace(direction, name=strongest.name)
    lead = order[0]
    turned = direction.name in known and float(change[lead]) < 0 and direction.method not in ASKED
    sign = -1.0 if turned else 1.0
    ends = direction.ends
    if direction.name in known:
        ends = (scale.attributes[lead].little, scale.attributes[lead].much)
    return replace(
        direction,
        vector=sign * direction.vector,
        ends=ends,
        pixel_change=float(moved),
        effect=tuple((known[each], sign * float(change[each])) for each in order),
    )


def uniquely_named(directions: Sequence[Direction]) -> list[Direction]:
    """Directions of the same name are numbered, those that were looked for by name first; the order stays.

    Those without a name are called unnamed.
    """
    counts: Counter[str] = Counter()
    order = sorted(range(len(directions)), key=lambda number: directions[number].method not in ASKED)
    named = list(directions)
    for number in order:
        name = directions[number].name or "unnamed"
        counts[name] += 1
        named[number] = replace(named[number], name=name if counts[name] == 1 else f"{name} {counts[name]}")
    return named
