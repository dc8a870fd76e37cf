"""Arithmetic: means of exemplars, added and subtracted in the latent space.

Radford, Metz, Chintala 2015 (arXiv 1511.06434), section 6.3.2 and figure 7: the mean latent of three exemplars stands
for a concept, for single ones are unstable; eight images around the result, moved by noise from U(-0.25, 0.25), show
its surroundings; the same sum of pixels stands beside it. This implementation differs in that
 * sums are brought to the length that single latents have, where they are not: dividing by the root of the sum of all
   squared coefficients does that for independent latents. A - B + C of means of three has it as it is, which is why
   three exemplars a concept work;
 * a generator of classes adds and subtracts the classes of its terms alike.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from dcgan.errors import UserError
from dcgan.exploration.points import Points, points_of_seeds, together
from dcgan.randomness import latents
from dcgan.runs.generator import TrainedGenerator

NOISE = 0.25
AROUND = 8
MOST_TERMS = 10


@dataclass(frozen=True)
class Term:
    """One concept of a sum."""

    sign: int
    """1 or -1."""
    seeds: tuple[int, ...]
    """The exemplars; none where the concept is a class."""
    label: str | None = None
    """The class that all exemplars are drawn in; None: each seed's own."""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.label, ", ".join(map(str, self.seeds))) if part)


@dataclass(frozen=True)
class Calculation:
    """A sum, and what it was made of."""

    exemplars: tuple[Points, ...]
    """Of each term."""
    means: Points
    """One point a term, as long as a latent is."""
    result: Points
    """One point."""
    around: Points
    """Eight points near the result."""
    scale: float
    """What the sum was multiplied by, to be as long as a latent is."""


def parse(expression: str) -> list[Term]:
    """``"3,9,12 - 4,8,30 + 5,6,7"`` → three terms; ``"crab:3,9 - fish:3,9 + bird"`` names classes.

    Raises:
        UserError: Not of this form.
    """
    parts = re.split(r"\s+([+-])\s+", expression.strip())
    signs, texts = ["+", *parts[1::2]], parts[0::2]
    if len(texts) > MOST_TERMS:
        raise UserError(f"{expression:.100}: {len(texts)} terms. Expected at most {MOST_TERMS}.")
    return [_term(1 if sign == "+" else -1, text, expression) for sign, text in zip(signs, texts, strict=True)]


def _term(sign: int, text: str, expression: str) -> Term:
    label, colon, listed = (part.strip() for part in text.rpartition(":"))
    if not colon and re.fullmatch(r"[^\s,+-][^,]*", listed) and not listed.isdigit():
        label, listed = listed, ""
    seeds = [part.strip() for part in listed.split(",")] if listed else []
    known = all(re.fullmatch(r"\d{1,18}", seed) for seed in seeds) and len(seeds) <= 1000
    if not known or not (label or seeds):
        raise UserError(
            f"{expression:.100}: {text.strip()[:40]!r} is no list of seeds. Expected an expression such as "
            '"3,9,12 - 4,8,30 + 5,6,7", with spaces around - and +.'
        )
    return Term(sign, tuple(map(int, seeds)), label or None)


def calculate(generator: TrainedGenerator, terms: Sequence[Term], *, noise: float = NOISE) -> Calculation:
    """The sum of the terms, each the mean of its exemplars, and points at most ``noise`` away in each number.

    Raises:
        UserError: A term names a class that the generator does not have.
    """
    exemplars = tuple(_exemplars(generator, term) for term in terms)
    means = together([points.combined(torch.full((1, len(points)), 1 / len(points))) for points in exemplars])
    coefficients: defaultdict[int, float] = defaultdict(float)
    for term in terms:
        for seed in term.seeds:
            coefficients[seed] += term.sign / len(term.seeds)
    total = means.combined(torch.tensor([[float(term.sign) for term in terms]]))
    scale = _scale(coefficients.values())
    scaled = Points(total.latents * scale, total.classes)
    steps = noise * latents(0, AROUND, total.latents.shape[1], seed=0, stream="surroundings", prior="uniform")
    around = together([scaled] * AROUND).moved(steps)
    roots = torch.tensor([[max(1, len(term.seeds)) ** 0.5] for term in terms])
    return Calculation(exemplars, Points(means.latents * roots, means.classes), scaled, around, scale)


def _exemplars(generator: TrainedGenerator, term: Term) -> Points:
    label = None
    if term.label is not None:
        names = generator.class_names
        if term.label not in names:
            known = f"Known: {', '.join(names)}." if names else "This generator knows no classes."
            raise UserError(f"{term.label}: no such class. {known}")
        label = names.index(term.label)
    if term.seeds:
        return points_of_seeds(generator, term.seeds, label)
    middle = points_of_seeds(generator, [0], label)  # a class by itself: the middle of all its latents
    return Points(torch.zeros_like(middle.latents), middle.classes)


def _scale(coefficients: Iterable[float]) -> float:
    """What brings a sum of independent latents to the length of one."""
    squares = sum(each * each for each in coefficients)
    return float(squares**-0.5) if squares > 1e-12 else 1.0
