"""Measurements, as ``evaluation.json`` has them, as rows that people read: in a terminal and on a page."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcgan.wording import number

HEAD = ("measure", "value", "95 % interval", "real images", "excess", "against")


@dataclass(frozen=True)
class Measures:
    """What ``evaluate`` wrote; empty when it never did, or when nobody can read it."""

    rows: list[tuple[str, ...]]
    """As ``HEAD`` has it; those about one class left out."""
    classes: dict[str, list[tuple[str, float, float, float]]]
    """Detector → (class, share of the other classes' distance, lower and upper end of its interval) of each class."""
    remarks: list[str]
    measurements: list[Mapping[str, Any]] = field(default_factory=list)
    """All of them, as the file has them."""


def read_measures(path: Path) -> Measures:
    """Nothing in the file can make this fail."""
    try:
        content = json.loads(path.read_bytes())
        return Measures(
            rows_of(content["measurements"]),
            classes_of(content["measurements"]),
            [str(remark) for remark in content["remarks"]],
            [one for one in content["measurements"] if _is_whole(one)],
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return Measures([], {}, [])


def rows_of(measurements: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """One row each, in words."""
    return [_row(one) for one in measurements if not str(one["name"]).endswith("]")]


def classes_of(measurements: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[str, float, float, float]]]:
    """How far each class is, as a share of how far images of the others are: ``share_tiny_1k[boot]``."""
    found: dict[str, list[tuple[str, float, float, float]]] = {}
    for one in measurements:
        name, _, rest = str(one["name"]).partition("[")
        if rest.endswith("]") and name.startswith("share_"):
            low, high = one["interval"] or (math.nan, math.nan)
            detector = str(one["protocol"]["detector"])
            found.setdefault(detector, []).append((rest[:-1], float(one["value"]), float(low), float(high)))
    return found


def _is_whole(one: Mapping[str, Any]) -> bool:
    """Whether it has what a judgement needs: finite numbers, and whose they are."""
    protocol = one["protocol"]
    numbers = (one["value"], 0.0 if one["floor"] is None else one["floor"], *(one["interval"] or ()))
    counts = (int(protocol["num_samples"]), int(protocol["num_reference"]))
    return bool(protocol["detector"]) and min(counts) > 0 and all(math.isfinite(float(value)) for value in numbers)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns, numbers to the right."""
    everything = [HEAD, *rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(HEAD))]
    return [
        "  ".join(
            cell.ljust(width) if column in (0, len(HEAD) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in everything
    ]


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    protocol, interval = one["protocol"], one["interval"]
    reference = f"{int(protocol['num_reference']):,} of {protocol['reference']}, {protocol['split']}"
    ends = "" if interval is None else f"{number(float(interval[0]))} … {number(float(interval[1]))}"
    return (str(one["name"]), number(float(one["value"])), ends, _or_blank(one["floor"]), _excess(one), reference)


def _excess(one: Mapping[str, Any]) -> str:
    """Only of distances: a share of 0.9 has no excess that would mean anything."""
    return _or_blank(one["excess"]) if str(one["name"]).startswith(("fd_", "fid_", "kid_")) else ""


def _or_blank(value: Any) -> str:
    return "" if value is None else number(float(value))
