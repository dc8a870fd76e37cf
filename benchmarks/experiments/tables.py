"""The tables of docs/experiments/*.md and docs/why-it-fails.md, made of the results alone, none of them by hand.

python -m benchmarks.experiments.tables [--check]

A table stands between `<!-- experiment NAME -->` and `<!-- end -->`; `<!-- classes NAME -->` begins that of its
classes, `<!-- collapse -->` that of all collapse experiments together, `<!-- glance -->` that of `modern` against the
others. --check writes nothing and fails when a page would be another;
--orphans lists the results that no experiment names any more.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import beta

from benchmarks.experiments.declared import DETECTORS, RESULTS, Experiment, read
from benchmarks.machine import ROOT
from dcgan.commands.comparing import results
from dcgan.commands.comparing.results import Result
from dcgan.commands.comparing.tally import excess_of, label
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.measures.effects import Spread, spread
from dcgan.reporting.table import Table
from dcgan.wording import duration, number

PAGES = [*sorted((ROOT / "docs" / "experiments").glob("*.md")), ROOT / "docs" / "why-it-fails.md"]
COLLAPSED = 0.6  # diversity by some detector, in all or within classes, as a share of that of real images
NOTHING = "–"
SPLITS = ("test", "held out", "train")  # the first of them that there is


def load(experiment: Experiment, folder: Path = RESULTS) -> dict[str, list[Result]]:
    """The results of each of its variants, as far as they are there."""
    path = folder / "indexes" / f"{experiment.name}.json"
    keys: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
    return {
        name: [found for key in chosen if (found := results.load(folder / "results" / f"{key}.json")) is not None]
        for name, chosen in keys.items()
    }


def table(experiment: Experiment, found: dict[str, list[Result]]) -> Table:
    """A row for each variant: what it took, then each measure as median (min … max) and against one of them."""
    measures = measures_of(experiment, found)
    base = found.get(experiment.against, [])
    rows = []
    for name, runs in found.items():
        ended = [run for run in runs if run.failure is None]
        images, seconds = spread([run.images_seen for run in ended]), spread([run.seconds for run in ended])
        took = [f"{images.median:,.0f}" if images else NOTHING, duration(seconds.median) if seconds else NOTHING]
        cells = [name, f"{len(runs)}", f"{len(runs) - len(ended)}", *took]
        for measure in measures:
            ours, theirs = spread(values(runs, measure)), spread(values(base, measure))
            cells += [in_words(ours), ratio(ours, theirs)]
        rows.append(cells)
    head = ["variant", "runs", "failed", "images", "training"]
    return Table(
        experiment.name, head + [word for measure in measures for word in (titled(measure, found), "ratio")], rows
    )


def measures_of(experiment: Experiment, found: dict[str, list[Result]]) -> list[str]:
    """The labels of the measures that are asked for, each against the images that say most.

    A run that another experiment measured by more or fewer samples has both: what most runs have is taken.
    """
    runs = [run for runs in found.values() for run in runs]
    count = Counter(label(taken) for run in runs for taken in run.measurements)
    labels, chosen = list(count), []
    for measure in experiment.measures:
        families = dict.fromkeys(
            one.partition(" (")[0]
            for one in labels
            if re.fullmatch(rf"{measure}_[^_\[]+_\d+k?(_vs_\d+k?)?", one.partition(" (")[0])
        )
        by_detector: dict[str, str] = {}
        for family in families:
            one = next(f"{family} ({split})" for split in SPLITS if f"{family} ({split})" in labels)
            detector = re.sub(r"_\d+k?(_vs_\d+k?)?$", "", family)
            by_detector[detector] = max(by_detector.get(detector, one), one, key=count.__getitem__)
        chosen += by_detector.values()
    return chosen


def values(runs: Sequence[Result], measure: str) -> list[float]:
    """Of a measure over the runs: of a distance its excess, where there is one."""
    return [one.value if excess_of(one) is None else excess_of(one) for one in measured(runs, measure)]


def titled(measure: str, found: dict[str, list[Result]]) -> str:
    """What the column says: of a distance that it is an excess, of another measure what real images have there."""
    everyone = [run for runs in found.values() for run in runs]
    if any(excess_of(one) is not None for one in measured(everyone, measure)):
        return f"{measure}, excess"
    reals = floors(everyone, measure)
    return f"{measure}, real images {number(reals.median)}" if reals else measure


def in_words(found: Spread | None) -> str:
    """median (min … max)."""
    return f"{number(found.median)} ({number(found.low)} … {number(found.high)})" if found else NOTHING


def ratio(ours: Spread | None, theirs: Spread | None) -> str:
    """Of medians."""
    return number(ours.median / theirs.median) if ours and theirs and theirs.median > 0 else NOTHING


def classes_table(experiment: Experiment, found: dict[str, list[Result]]) -> Table:
    """A row for each class: its kernel distance by each detector, for each variant as median (min … max)."""
    runs = [run for runs in found.values() for run in runs]
    names = dict.fromkeys(label(taken) for run in runs for taken in run.measurements)
    matches = [match for name in names if (match := re.fullmatch(r"(kid_[^_\[]+_\d+k?)\[(.+?)\] \((.+)\)", name))]
    families = list(dict.fromkeys((match[1], match[3]) for match in matches))
    head = [f"{name}, {family}" for family, _ in families for name in found]
    rows = [
        [kind]
        + [
            in_words(spread(values(runs, f"{family}[{kind}] ({split})")))
            for family, split in families
            for runs in found.values()
        ]
        for kind in dict.fromkeys(match[2] for match in matches)
    ]
    return Table(experiment.name, ["class", *head], rows)


def glance_table(experiments: Sequence[Experiment], folder: Path = RESULTS) -> Table:
    """`modern` in each experiment that has its opponent too: its excess by each detector, and beside what."""
    others = ("tuned", "d2l")
    rows = []
    for experiment in experiments:
        found = load(experiment, folder)
        ours = found.get("modern", [])
        if not ours or not found.get("tuned"):
            continue
        cells = [experiment.name, experiment.budget, f"{len(ours)}"]
        for detector in DETECTORS:
            measure = next(one for one in measures_of(experiment, found) if one.startswith(f"fd_{detector}_"))
            excess = spread(values(ours, measure))
            cells += [number(excess.median), ratio(excess, floors(ours, measure))]
            cells += [ratio(excess, spread(values(found.get(name, []), measure))) for name in others]
        rows.append(cells)
    columns = ("excess", "in floors", *(f"of `{name}`" for name in others))
    head = ["experiment", "time", "seeds", *(f"{detector}: {column}" for detector in DETECTORS for column in columns)]
    return Table("glance", head, rows)


def floors(runs: Sequence[Result], measure: str) -> Spread | None:
    """What other real images have of a measure."""
    return spread([one.floor for one in measured(runs, measure) if one.floor is not None])


def measured(runs: Sequence[Result], measure: str) -> list[Measurement]:
    """The measurements of a measure, over the runs."""
    return [one for run in runs for one in run.measurements if label(one) == measure]


def collapse_table(experiments: Sequence[Experiment], folder: Path = RESULTS) -> Table:
    """How many runs collapsed, by the least of their diversities, or diverged.

    With the upper end of the one-sided 95 % interval for their share.
    """
    rows, total, bad_total = [], 0, 0
    for experiment in experiments:
        runs = [run for runs in load(experiment, folder).values() for run in runs]
        diversities = [least for run in runs if (least := least_diversity(experiment, run)) is not None]
        collapsed = sum(least < COLLAPSED for least in diversities)
        failed = sum(run.failure is not None for run in runs)
        total, bad_total = total + len(runs), bad_total + collapsed + failed
        lowest = min(diversities, default=None)
        words = NOTHING if lowest is None else number(lowest)
        rows.append(
            [experiment.data, f"{len(runs)}", f"{failed}", f"{collapsed}", words, bound(collapsed + failed, len(runs))]
        )
    rows.append(["all", f"{total}", "", f"{bad_total} in all", "", bound(bad_total, total)])
    head = ["data", "runs", "diverged", "collapsed", "least diversity", "share, at most (95 %)"]
    return Table("collapse", head, rows)


def least_diversity(experiment: Experiment, run: Result) -> float | None:
    """By any detector, in all or within classes; None of a run that was not measured."""
    measures = measures_of(experiment, {"": [run]})
    return min((value for measure in measures for value in values([run], measure)), default=None)


def bound(bad: int, runs: int) -> str:
    """Clopper and Pearson's: the largest share under which so few bad runs still come once in twenty."""
    if runs == 0:
        return NOTHING
    return f"{100 * (1.0 if bad == runs else float(beta.ppf(0.95, bad + 1, runs - bad))):.1f} %"


def filled(page: str, folder: Path = RESULTS) -> str:
    """The page with each of its tables made anew."""
    experiments = {experiment.name: experiment for experiment in read().experiments}

    def made(match: re.Match[str]) -> str:
        if match[1] == "glance":
            found = glance_table([one for one in experiments.values() if one.group == "main"], folder)
        elif match[1] == "collapse":
            found = collapse_table([one for one in experiments.values() if one.group == "collapse"], folder)
        else:
            kind, name = match[1].split()
            made_of = {"experiment": table, "classes": classes_table}[kind]
            found = made_of(experiments[name], load(experiments[name], folder))
        there = any(row[1] != "0" for row in found.rows)
        words = found.markdown() if there else "No results yet: `make experiments` writes them here.\n"
        return f"<!-- {match[1]} -->\n\n{words}\n<!-- end -->"

    return re.sub(
        r"<!-- (glance|collapse|(?:experiment|classes) [\w-]+) -->\n.*?<!-- end -->", made, page, flags=re.DOTALL
    )


def orphans(folder: Path = RESULTS) -> list[Path]:
    """Results that no index names: of rules or experiments that are gone."""
    named = {
        key
        for path in (folder / "indexes").iterdir()
        for keys in json.loads(path.read_bytes()).values()
        for key in keys
    }
    return sorted(path for path in (folder / "results").iterdir() if path.stem not in named)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when --check finds another page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--orphans", action="store_true")
    options = parser.parse_args(arguments)
    if options.orphans:
        print(*orphans(), sep="\n")
        return 0
    pages = {path: path.read_text(encoding="utf-8") for path in PAGES}
    changed = {path: new for path, page in pages.items() if (new := filled(page)) != page}
    if options.check:
        return int(bool(changed))
    for path, page in changed.items():
        path.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
