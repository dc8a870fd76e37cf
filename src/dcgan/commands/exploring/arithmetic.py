"""Arithmetic: concepts added and subtracted, as sums of latents."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import tyro

from dcgan.commands.exploring.options import Checkpoint, Label, Out, Run, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened
from dcgan.errors import UserError

if TYPE_CHECKING:
    from dcgan.exploration.arithmetic import Calculation, Term
    from dcgan.runs.generator import TrainedGenerator


def arithmetic(
    run: Run,
    expression: Annotated[str, tyro.conf.Positional, shown("EXPRESSION")],
    *,
    noise: Annotated[float, shown("DISTANCE")] = 0.25,
    label: Label = None,
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """Concepts added and subtracted: blue crab - blue fish + red fish = red crab.

    Each concept is the mean of some seeds, best of three.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        expression: Seeds, such as "3,9,12 - 4,8,30 + 5,6,7", with spaces around - and +; dcgan sample shows which
            seeds have what you look for. In a run of classes, "crab:3,9,12" draws these seeds as that class, and
            "crab" is the class by itself.
        noise: How far the surroundings go in each number of the latent (default: 0.25, as published).
        label: Draw all seeds as this class that are given without one (runs trained with --labels).
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/arithmetic.png).
    """
    from dcgan.exploration.arithmetic import calculate, parse
    from dcgan.exploration.points import together

    if not 0 < noise <= 10:
        raise UserError(f"--noise {noise}: must be above 0, up to 10.")
    path = destination(run, out, "arithmetic")
    terms = [replace(term, label=term.label or label) if term.seeds else term for term in parse(expression)]
    generator = opened(run, checkpoint)
    calculation = calculate(generator, terms, noise=noise)
    words = [
        f"{expression.strip()}: the result in the middle of its surroundings.",
        "Below it the same sum of pixels, which is what comes of it without a latent space.",
    ]
    if abs(calculation.scale - 1) > 0.01:
        words.append(f"The sum was multiplied by {calculation.scale:.2f}, to be as long as a latent is.")
    return keep(
        path,
        _drawn(generator, terms, calculation),
        generator,
        method="arithmetic",
        words=words,
        points=together([calculation.result, calculation.around, calculation.means]),
        found={"expression": expression, "scale": calculation.scale, "order": ["result", "8 around it", "each mean"]},
    )


def _drawn(generator: "TrainedGenerator", terms: "list[Term]", calculation: "Calculation") -> bytes:
    """A row a term, its mean at the right; the result in the middle of nine; the sum of pixels."""
    import torch

    from dcgan.exploration.points import draw, together
    from dcgan.exploration.sheets import Row, pictures_of, sheet

    means = draw(generator, calculation.means)
    rows: list[Row] = []
    for term, points, mean in zip(terms, calculation.exemplars, means, strict=True):
        pixels = torch.cat([draw(generator, points[:8]), mean[None]])
        sign = "+ " if term.sign > 0 else "- "
        rows.append(
            Row(pictures_of(pixels), f"{sign if rows or term.sign < 0 else ''}{term}", breaks=(len(pixels) - 1,))
        )
    nine = draw(generator, together([calculation.around[:4], calculation.result, calculation.around[4:]]))
    for start, words in ((0, "= the result\nin the middle of\nits surroundings"), (3, ""), (6, "")):
        rows.append(Row(pictures_of(nine[start : start + 3]), words))
    signs = torch.tensor([float(term.sign) for term in terms])
    highest = torch.iinfo(means.dtype).max
    total = torch.einsum("n,nchw->chw", signs, means.float()).clamp(0, highest).round().to(means.dtype)
    rows.append(Row(pictures_of(total[None]), "The same sum\nof pixels"))
    return sheet(rows)
