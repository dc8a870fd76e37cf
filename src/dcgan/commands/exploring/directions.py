"""Directions: what can be changed about an image, each with a strip that shows it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from dcgan.commands.exploring.asked import label_of, require_number, seeds_of
from dcgan.commands.exploring.options import Checkpoint, Label, Out, Run, Seeds, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened
from dcgan.errors import UserError

if TYPE_CHECKING:
    from dcgan.exploration.finding import Finder
    from dcgan.exploration.naming import Direction
    from dcgan.exploration.points import Points
    from dcgan.runs.generator import TrainedGenerator
    from dcgan.tensors import Features, Pixels

    Look = Callable[[Pixels], Features]

METHODS = ("effect", "attributes", "classes", "sefa", "pca")
STRIP = 7  # images from one end to the other
REALS = 4000  # real images that say what a class looks like
MEASURED_AT = 32  # samples at which effects are measured


def directions(
    run: Run,
    *,
    methods: Annotated[str, shown("A,B,…")] = "effect,attributes",
    by: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, shown("MODULE:FUNCTION")] = (),
    of: Annotated[str, shown("pixels|DETECTOR")] = "pixels",
    count: Annotated[int, shown("N")] = 10,
    seeds: Seeds = (0, 1),
    label: Label = None,
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """What can be changed about an image: directions with a name and a strip each.

    They are kept in the run as directions.json, where the exported page finds them.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        methods: How to find them (default: effect,attributes). effect: what changes images most, in this order;
            attributes: brightness, size, colour and others, fitted to 2,000 samples; classes: towards each class of
            the training images; sefa and pca: two published methods that look at the first layer alone.
        by: Also a direction for your own yes-or-no function of one image (height x width x channels, as a NumPy
            array), such as mymodule:is_round; may be repeated.
        of: What effect counts as change: pixels (the default), or the features of a detector.
        count: Directions of each method that finds them in order (default: 10).
        seeds: The images that the strips start from, in the middle of each strip (default: 0,1).
        label: Show this class only (runs trained with --labels).
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/directions.png).
    """
    chosen = _chosen(methods)
    require_number("count", count, 1, 100)
    starts = seeds_of(seeds, most=4)
    path = destination(run, out, "directions")
    from dcgan.commands.exploring.own import own_function
    from dcgan.exploration.directions import REACH, deviation
    from dcgan.exploration.finding import Finder
    from dcgan.exploration.points import points_of_seeds

    functions = [(name, own_function(name)) for name in by]
    generator = opened(run, checkpoint)
    finder = Finder(generator, label_of(label, generator.class_names))
    reach = REACH * deviation(generator.config.model.prior)
    look = None if of == "pixels" else _eyes(of, generator)
    found = _found(finder, chosen, count, look, lambda: _towards_classes(finder, generator, run))
    named = _named(finder, [*found, *(finder.function(name, function) for name, function in functions)], reach)
    shown_at = points_of_seeds(generator, starts, finder.label)
    return keep(
        path,
        _strips(generator, named, shown_at, reach),
        generator,
        method="directions",
        words=_summary(named, reach, of),
        points=shown_at,
        found={"directions": [direction.to_json(reach) for direction in named], "of": of},
    )


def _summary(named: "Sequence[Direction]", reach: float, of: str) -> list[str]:
    names = ", ".join(each.name for each in named)
    words = [f"{len(named)} directions, each from {-reach:.3g} to {reach:.3g}: {names}."]
    if shares := [each.share or 0.0 for each in named if each.method == "effect"]:
        words.append(f"The first {len(shares)} by effect carry {sum(shares):.0%} of all change in {of}.")
    return words


def _chosen(methods: str) -> list[str]:
    chosen = [part.strip() for part in methods.split(",") if part.strip()]
    if unknown := [name for name in chosen if name not in METHODS]:
        raise UserError(f"--methods {methods}: no method {unknown[0]}. Known: {', '.join(METHODS)}.")
    return chosen


def _found(
    finder: "Finder",
    methods: Sequence[str],
    count: int,
    look: "Look | None",
    towards_classes: "Callable[[], list[Direction]]",
) -> "list[Direction]":
    ways: dict[str, Callable[[], list[Direction]]] = {
        "effect": lambda: finder.effect(count, look),
        "attributes": finder.attributes,
        "classes": towards_classes,
        "sefa": lambda: finder.sefa(count),
        "pca": lambda: finder.pca(count),
    }
    return [direction for name in methods for direction in ways[name]()]


def _towards_classes(finder: "Finder", generator: "TrainedGenerator", run: str | Path) -> "list[Direction]":
    """Each sample looks like one of the classes of the real images, by the detector tiny."""
    import torch

    from dcgan.commands.exploring.images import pixels_of_rows, required, spread_rows
    from dcgan.exploration.classes import look_alike

    if generator.generator.num_classes:
        raise UserError("--methods classes: this generator takes its class as it is told. --label draws one class.")
    dataset, judge = required(generator, run), _eyes("tiny", generator)
    if dataset.labels is None:
        raise UserError(f"--methods classes: the images that {run} was trained on have no classes.")
    rows = spread_rows(dataset.train, REALS)
    known, labels = judge(pixels_of_rows(dataset, rows)), torch.from_numpy(dataset.labels[rows])
    return finder.classes(dataset.class_names, look_alike(known, labels, judge(finder.pixels)))


def _named(finder: "Finder", directions: "Sequence[Direction]", reach: float) -> "list[Direction]":
    from dcgan.exploration.naming import described, uniquely_named

    at = finder.points[:MEASURED_AT]
    return uniquely_named([described(direction, at, reach, finder.draw, finder.scale) for direction in directions])


def _eyes(name: str, generator: "TrainedGenerator") -> "Look":
    from dcgan.commands.exploring.looking import eyes

    return eyes(name, generator)


def _strips(generator: "TrainedGenerator", directions: "Sequence[Direction]", starts: "Points", reach: float) -> bytes:
    """A row a direction: from end to end for each of the starts, what it does beside it."""
    import numpy as np
    import torch

    from dcgan.exploration.points import draw, together
    from dcgan.exploration.sheets import Row, pictures_of, sheet

    places = torch.linspace(-reach, reach, STRIP)[:, None]
    each = [starts[number : number + 1] for number in range(len(starts))]
    rows = []
    for direction in directions:
        strips = [together([start] * STRIP).moved(places * direction.vector) for start in each]
        pictures = np.concatenate([pictures_of(draw(generator, strip)) for strip in strips])
        breaks = tuple(range(STRIP, len(pictures), STRIP))
        rows.append(Row(pictures, _words(direction), breaks))
    return sheet(rows)


def _words(direction: "Direction") -> str:
    """Its name and its ends, how much it changes, and what else does."""
    ends = f"{direction.ends[0]} to {direction.ends[1]}" if direction.ends[0] else "no single attribute stands out"
    others = ", ".join(f"{name} {change:+.1f}" for name, change in direction.side_effects[:2])
    return f"{direction.name}\n{ends}\n{others and f'also {others}'}"
