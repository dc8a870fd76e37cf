"""Results become tables: each measure beside the same one of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dcgan.commands.comparing.results import Result
from dcgan.commands.comparing.trials import Trial
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.measures.effects import paired_difference, spread, superiority
from dcgan.reporting.table import Table
from dcgan.wording import duration, number

NOTHING = "–"
DISTANCES = ("fd_", "fid_", "kid_")
MEANING = (
    "Distances (fd, fid, kid) are the better the lower they are; precision, recall, density, coverage and diversity "
    "the higher."
)


@dataclass(frozen=True)
class Column:
    """One of the things compared: a run, or a variant with a run for each seed."""

    name: str
    trials: Sequence[Trial]


Results = Mapping[str, Result]
"""By key; a run whose turn has not come has none."""


def tables(columns: Sequence[Column], results: Results) -> list[Table]:
    """The measurements that say most, what they cost, then all others."""
    measured = measures_of(columns, results)
    by_class = [measure for measure in measured if "[" in measure]
    overall = [measure for measure in measured if "[" not in measure]
    parts = {
        "Measurements": [measure for measure in overall if not _is_second_look(measure, overall)],
        "Beside what was learned from": [measure for measure in overall if _is_second_look(measure, overall)],
        "By class": by_class,
    }
    made = [_measurements(title, columns, results, measures) for title, measures in parts.items() if measures]
    return [*made[:1], _costs(columns, results), *made[1:]]


def _is_second_look(measure: str, among: Sequence[str]) -> bool:
    """Whether it is about the training images, and others say more: new ones, or that these are not copied."""
    name, _, split = measure.rpartition(" ")
    return split == "(train)" and (
        name.startswith("copies") or any(one.startswith(f"{name} (") for one in among if one != measure)
    )


def label(measured: Measurement) -> str:
    """What may stand in one row: the measure, and the part of the real images."""
    return f"{measured.name} ({measured.protocol.split})"


def measures_of(columns: Sequence[Column], results: Results) -> list[str]:
    """Every measure that any result has, in the order in which they were taken."""
    found = [
        label(measured) for column in columns for result in _of(column, results) for measured in result.measurements
    ]
    return list(dict.fromkeys(found))


def values_of(column: Column, results: Results, measure: str, *, excess: bool = False) -> dict[int, float]:
    """Seed → value of a measure, or a distance's excess over the floor; failed runs have none."""
    found = {}
    for result in _of(column, results):
        for measured in result.measurements:
            value = excess_of(measured) if excess else measured.value
            if label(measured) == measure and value is not None:
                found[result.seed] = value
    return found


def excess_of(measured: Measurement) -> float | None:
    """Of distances alone: a share of 0.9 has no excess that would mean anything."""
    return measured.excess if measured.name.startswith(DISTANCES) else None


def failures_of(column: Column, results: Results) -> int:
    """Runs whose weights were no longer finite numbers."""
    return sum(result.failure is not None for result in _of(column, results))


def _of(column: Column, results: Results) -> list[Result]:
    return [results[trial.key] for trial in column.trials if trial.key in results]


def _measurements(title: str, columns: Sequence[Column], results: Results, measures: Sequence[str]) -> Table:
    repeated = any(len(column.trials) > 1 for column in columns)
    head, rows, notes = (_spreads if repeated else _values)(columns, results, measures)
    return Table(title, head, rows, [MEANING, *notes, *_warnings(columns, results, measures)])


Parts = tuple[list[str], list[list[str]], list[str]]
"""Head, rows and notes of a table."""


def _values(columns: Sequence[Column], results: Results, measures: Sequence[str]) -> Parts:
    """One run each: a row for each measure."""
    rows = []
    for measure in measures:
        cells, floors = [], []
        for column in columns:
            taken = [one for result in _of(column, results) for one in result.measurements if label(one) == measure]
            cells.append(_with_interval(taken[0]) if taken else NOTHING)
            floors += [number(one.floor) for one in taken[:1] if one.floor is not None]
        rows.append([measure, *cells, " / ".join(dict.fromkeys(floors)) or NOTHING])
    head = ["measure", *(column.name for column in columns), "real images"]
    return head, rows, ["Real images: what others of them measure in the place of generated ones."]


def _spreads(columns: Sequence[Column], results: Results, measures: Sequence[str]) -> Parts:
    """Several seeds each: a row for each measure and variant, the first variant being the one compared with."""
    first, rows = columns[0], []
    for measure in measures:
        base = values_of(first, results, measure)
        for column in columns:
            ours = values_of(column, results, measure)
            found, over = spread([*ours.values()]), spread([*values_of(column, results, measure, excess=True).values()])
            cells = [found.median, found.low, found.high] if found else [None] * 3
            against = (
                [paired_difference(ours, base), superiority([*ours.values()], [*base.values()])]
                if column is not first
                else [None] * 2
            )
            words = [_number(value) for value in [*cells, over.median if over else None, *against]]
            rows.append([measure, column.name, *words, str(len(ours)), str(failures_of(column, results))])
    head = ["measure", "variant", "median", "min", "max", "excess", "difference", "A", "runs", "failed"]
    notes = [
        "Excess: how far the median is from what other real images measure in the place of generated ones.",
        f"Difference: median over the seeds of this variant's value less that of {first.name} with the same seed. A: "
        f"how often a run of this variant has a greater value than one of {first.name} (Vargha and Delaney; 0.5 is no "
        "difference, 0 never, 1 always).",
        "Failed runs, whose weights were no longer finite, have no value and are counted in the last column.",
    ]
    return head, rows, notes


def _costs(columns: Sequence[Column], results: Results) -> Table:
    rows = []
    for column in columns:
        done = _of(column, results)
        images = spread([result.images_seen for result in done if result.failure is None])
        seconds = spread([result.seconds for result in done if result.failure is None])
        rows.append([
            column.name,
            str(len(column.trials)),
            str(len(column.trials) - len(done)),
            str(failures_of(column, results)),
            f"{images.median:,.0f}" if images else NOTHING,
            duration(seconds.median) if seconds else NOTHING,
        ])  # fmt: skip
    head = ["", "runs", "without result", "failed", "images", "training time"]
    reasons = [
        f"{column.name}: {result.failure}" for column in columns for result in _of(column, results) if result.failure
    ]
    return Table("What it took", head, rows, ["Medians of the runs that came to their end.", *reasons])


def _warnings(columns: Sequence[Column], results: Results, measures: Sequence[str]) -> list[str]:
    """A word on each measure that was not taken in one way for all: its numbers must not be compared."""
    ways: dict[str, set[object]] = {}
    for column in columns:
        for result in _of(column, results):
            for taken in result.measurements:
                # How many samples a class has is up to the generator.
                count = 0 if "[" in taken.name else taken.protocol.num_samples
                ways.setdefault(label(taken), set()).add(replace(taken.protocol, seconds=0.0, num_samples=count))
    different = [measure for measure in measures if len(ways[measure]) > 1]
    words = "not the same question for all, as the real images or their number differ; compare with real images only"
    return [f"{', '.join(different)}: {words}."] if different else []


def _with_interval(measured: Measurement) -> str:
    interval = f" [{number(measured.interval[0])} … {number(measured.interval[1])}]" if measured.interval else ""
    return number(measured.value) + interval


def _number(value: float | None) -> str:
    return NOTHING if value is None else number(value)
