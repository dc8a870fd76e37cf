"""The chapter's second exercise, answered by training: which category works well, and which does not?

One generator is told the categories, so that each can be asked for. How far its images of a category are from real
ones is given as a share of how far real images of the other categories are; a kernel distance alone mostly says how
special a category is. The answer checks itself: whether variety or likeness to others explains it, by rank correlation.
"""

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from dcgan.commands.chapter_options import ExerciseOptions
from dcgan.commands.compare import Comparison, compare
from dcgan.commands.comparing.tally import measures_of, values_of
from dcgan.commands.evaluate import Nobody
from dcgan.commands.live.listener import Listener
from dcgan.commands.measuring_options import CompareOptions, EvaluateOptions
from dcgan.commands.subject import Subject, find_subject
from dcgan.errors import ExitCode, UserError
from dcgan.evaluation.detectors.by_name import detector, protocol
from dcgan.evaluation.measures.classes import confusion, fit_probe, spreads_within
from dcgan.evaluation.measures.effects import rank_correlation
from dcgan.evaluation.reals import reals_of
from dcgan.exploration.sheets import Row, pictures_of, sheet
from dcgan.files import write_atomically
from dcgan.reporting.table import Table
from dcgan.wording import number

MEASURES = ("share", "agreement", "kid")
DRAWN, REAL = 10, 6  # images of a category on the sheet
MOST_REALS = 5_000


@dataclass(frozen=True)
class Category:
    """One category, over all seeds."""

    name: str
    share: dict[int, float]
    """Seed → distance as a share of that of real images of the other categories."""
    agreement: dict[int, float]
    """Seed → how often a probe sees what was asked for."""
    kid: dict[int, float]

    @property
    def middle(self) -> float:
        """The median share."""
        return statistics.median(self.share.values())


@dataclass(frozen=True)
class Cause:
    """What may explain why a category does not work, for each: of real images, and what the generator makes of it."""

    spread: tuple[float, ...]
    """How much its real images differ."""
    real: Tensor
    """Row: category; column: share of its real images that the probe takes for each."""
    drawn: Tensor
    """The same of generated ones."""


def planned(options: ExerciseOptions, listener: Listener) -> Comparison:
    """One generator for all categories, with all seeds, ready to be trained.

    Raises:
        UserError: Images without categories, or settings that cannot be.
    """
    settings = ["data.held_out=true", "data.channels=auto"]
    if options.width:
        settings += [f"model.generator_width={options.width}", f"model.discriminator_width={options.width}"]
    wanted = CompareOptions(
        source=options.source, size=options.size, recipe=options.recipe, settings=tuple(settings), labels=True,
        vary=f"recipe={options.recipe}", repeats=options.repeats, budget=options.budget, jobs=options.jobs,
        threads=options.threads, samples=options.samples, detectors=("tiny",), out=options.folder,
    )  # fmt: skip
    return compare(wanted, listener)


def answer(comparison: Comparison, samples: int) -> list[str]:
    """The answer in lines, of what is trained by now; writes ``categories.png``, a row for each category.

    Raises:
        UserError: No run has finished, or too few images of any category to measure.
    """
    found = sorted(categories(comparison), key=lambda one: one.middle)
    if len(found) < 2:
        raise UserError(
            "exercise 2: fewer than two categories could be measured. It needs ten images of each among the samples "
            "and among those held out: more --samples, or more images.",
            ExitCode.DATA,
        )
    (column,) = comparison.columns
    seed = min(found[0].share)
    run = next(trial.run for trial in column.trials if trial.config.seed == seed)
    subject = find_subject(EvaluateOptions(target=str(run.root), samples=samples, detectors=("tiny",)), Nobody())
    write_atomically(comparison.folder.categories, _sheet(subject, found))
    return [*_table(found).lines(), "", *_verdict(found), *_reasons(found, *why(subject))]


def categories(comparison: Comparison) -> list[Category]:
    """Every category that was measured."""
    (column,) = comparison.columns
    values: dict[str, dict[str, dict[int, float]]] = {}
    for measure in measures_of(comparison.columns, comparison.results):
        match = re.fullmatch(r"(\w+?)_tiny_[^\[]*\[(.*)\] \(.*\)", measure)
        if match and match[1] in MEASURES:
            values.setdefault(match[2], {})[match[1]] = values_of(column, comparison.results, measure)
    return [Category(name, **of) for name, of in values.items() if len(of) == len(MEASURES)]


def why(subject: Subject) -> tuple[Sequence[str], Cause]:
    """The categories' names, and what may explain how they differ, by the samples of one run."""
    assert subject.trained is not None and subject.asked is not None, subject.title
    eyes = detector(protocol("tiny", subject.pixels.shape[1], subject.pixels.dtype))
    reals = reals_of(subject.trained, subject.name, eyes, most=MOST_REALS)
    train, reference, count = reals.train, reals.reference, len(reals.class_names)
    assert train is not None and train.labels is not None and reference.labels is not None, subject.title
    probe = fit_probe(train.features, train.labels, count)
    cause = Cause(
        spreads_within(reference.features, reference.labels, count),
        confusion(probe, reference.features, reference.labels, count),
        confusion(probe, eyes(subject.pixels), subject.asked, count),
    )
    return reals.class_names, cause


def _table(found: Sequence[Category]) -> Table:
    rows = [
        [
            one.name,
            f"{number(one.middle)} ({number(min(one.share.values()))} … {number(max(one.share.values()))})",
            f"{statistics.median(one.agreement.values()):.0%}",
            number(statistics.median(one.kid.values())),
        ]
        for one in found
    ]
    notes = [
        "Share: the kernel distance from real images of the category, as a share of that of real images of the others. "
        "0 is as good as real, 1 no nearer than another category.",
        "Recognised: how often a linear probe sees the category that was asked for. Medians over the seeds.",
    ]
    return Table("Categories, best first", ["category", "share", "recognised", "kernel distance"], rows, notes)


def _verdict(found: Sequence[Category]) -> list[str]:
    """Best and worst, and whether the seeds agree on them."""
    best, worst = found[0], found[-1]
    seeds = sorted(best.share.keys() & worst.share.keys())
    line = f"Best: {best.name}, {number(best.middle)}. Worst: {worst.name}, {number(worst.middle)}."
    if len(seeds) < 3:
        return [line, "That is too few seeds for an answer: --repeats 3 or more."]
    agree = sum(best.share[seed] < worst.share[seed] for seed in seeds)
    return [line, f"{best.name} is nearer than {worst.name} with {agree} of {len(seeds)} seeds."]


def _reasons(found: Sequence[Category], names: Sequence[str], cause: Cause) -> list[str]:
    """For what the worst is taken, and which of two explanations the categories bear out."""
    worst = names.index(found[-1].name)
    others = cause.drawn[worst].clone()
    others[worst] = -1
    taken = int(others.argmax())
    lines = [
        f"Of images asked to be {names[worst]}, {float(cause.drawn[worst, worst]):.0%} are recognised, and "
        f"{float(others[taken]):.0%} are taken for {names[taken]}; of real ones it is "
        f"{float(cause.real[worst, worst]):.0%} and {float(cause.real[worst, taken]):.0%}."
    ]
    places = [names.index(one.name) for one in found]
    shares = [one.middle for one in found]
    explanations = {
        "the more its real images differ from each other": [cause.spread[place] for place in places],
        "the more often its real images are taken for others": [1 - float(cause.real[at, at]) for at in places],
    }
    chance = 1.96 / max(1, len(found) - 1) ** 0.5
    for words, values in explanations.items():
        measured = rank_correlation(shares, values)
        said = "borne out" if measured > chance else "contradicted" if measured < -chance else "not decided"
        numbers = f"rank correlation {measured:.2f}, by chance ±{chance:.2f}"
        found_out = "all are alike in this" if math.isnan(measured) else numbers
        lines.append(f"A category is worse {words}: {said} ({found_out}).")
    return lines


def _sheet(subject: Subject, found: Sequence[Category]) -> bytes:
    """A row for each category, best first: generated images, then real ones."""
    data = subject.trained
    assert data is not None and data.labels is not None and subject.asked is not None, subject.title
    rows = []
    for one in found:
        label = data.class_names.index(one.name)
        drawn = pictures_of(subject.pixels[subject.asked == label][:DRAWN])
        real = data.pixels[data.train[data.labels[data.train] == label][:REAL]]
        words = f"{one.name}\nshare {number(one.middle)}\nrecognised {statistics.median(one.agreement.values()):.0%}"
        rows.append(Row(np.concatenate([drawn, real]), words, breaks=(len(drawn),)))
    return sheet(rows, head="Best first; generated on the left, real on the right.")
