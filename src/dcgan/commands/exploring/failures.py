"""Failures: what a generator draws that does not exist, and what exists that it does not draw."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from dcgan.commands.exploring.asked import require_number
from dcgan.commands.exploring.options import Checkpoint, Out, Run, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from dcgan.data.dataset import Dataset
    from dcgan.exploration.failures import Group
    from dcgan.exploration.sheets import Row
    from dcgan.tensors import Features, Pixels

FIRST_SEED = 2**43
ON_ROW = 10
RADIUS = 5  # the neighbour that a real image's radius reaches to


def failures(
    run: Run,
    *,
    detector: Annotated[str, shown("NAME")] = "tiny",
    samples: Annotated[int, shown("N")] = 2000,
    groups: Annotated[int, shown("N")] = 6,
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """Where it fails: samples like no real image, and real images like no sample.

    Both in groups, each with its most typical images.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints. Its training images must still be there.
        detector: Who says what is like what, as dcgan evaluate takes it (default: tiny).
        samples: Images to draw (default: 2000).
        groups: Groups of each kind (default: 6).
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/failures.png).
    """
    require_number("samples", samples, 100, 100_000)
    require_number("groups", groups, 1, 20)
    path = destination(run, out, "failures")
    from dcgan.commands.exploring.images import pixels_of_rows, required
    from dcgan.commands.exploring.looking import eyes
    from dcgan.evaluation.measures.neighbours import nearest, radii
    from dcgan.evaluation.reals import reals_of
    from dcgan.exploration.failures import worst_groups
    from dcgan.exploration.points import draw, points_of_seeds
    from dcgan.exploration.sheets import sheet

    generator = opened(run, checkpoint)
    judge = eyes(detector, generator)
    dataset = required(generator, run)
    points = points_of_seeds(generator, range(FIRST_SEED, FIRST_SEED + samples))
    pixels = draw(generator, points)
    reals = reals_of(dataset, "", judge)
    assert reals.train is not None, dataset.fingerprint
    known = reals.train.features
    own, seen = radii(known, min(RADIUS, len(known) - 1)), judge(pixels)
    strange = _strangeness(seen, known, own)
    missed = nearest(known, seen).distances[:, 0] / own.clamp(min=1e-12)
    invented, undrawn = worst_groups(strange, seen, groups=groups), worst_groups(missed, known, groups=groups)
    rows = [*_rows("invented", invented, pixels, None, None)]
    rows += _rows("not drawn", undrawn, pixels_of_rows(dataset, dataset.train), dataset, dataset.train)
    others = None if reals.held_out is None else _share(_strangeness(reals.held_out.features, known, own))
    chosen = [int(row) for group in invented for row in group.rows[:ON_ROW]]
    found = {
        "outside": _share(strange),
        "outside_of_held_out": others,
        "uncovered": _share(missed),
        "not_drawn": [[dataset.names[dataset.train[row]] for row in group.rows.tolist()] for group in undrawn],
    }
    words = _words(found, samples, judge.name)
    return keep(path, sheet(rows), generator, method="failures", words=words, points=points[chosen], found=found)


def _words(found: "dict[str, Any]", samples: int, name: str) -> list[str]:
    others = found["outside_of_held_out"]
    beside = "" if others is None else f" (of held-out images {others:.1%})"
    return [
        f"{found['outside']:.1%} of {samples:,} samples lie outside the reach of every training image{beside}, and "
        f"{found['uncovered']:.1%} of the training images have no sample within theirs, as {name} sees it.",
        "The reach of an image is the distance to its fifth nearest other one.",
        "Above, the strangest samples in groups; below, the real images that samples come least near to.",
    ]


def _share(scores: "Tensor") -> float:
    """Of images that lie outside."""
    return float((scores > 1).float().mean())


def _strangeness(features: "Features", known: "Features", reach: "Tensor") -> "Tensor":
    from dcgan.evaluation.measures.neighbours import nearest
    from dcgan.exploration.failures import strangeness

    near = nearest(features, known)
    return strangeness(near.distances[:, 0], near.rows[:, 0], reach)


def _rows(
    title: str, groups: "list[Group]", pixels: "Pixels", dataset: "Dataset | None", train: "np.ndarray | None"
) -> "list[Row]":
    """A row a group, its most typical images first, the commonest class named where there are classes."""
    from dcgan.exploration.sheets import Row, pictures_of

    rows = []
    for number, group in enumerate(groups, 1):
        words = f"{title} {number}\n{len(group.rows)} images"
        if dataset is not None and dataset.labels is not None and train is not None:
            classes = Counter(dataset.labels[train[group.rows.numpy()]].tolist())
            commonest, count = classes.most_common(1)[0]
            words += f"\n{count / len(group.rows):.0%} {dataset.class_names[commonest]}"
        rows.append(Row(pictures_of(pixels[group.rows[:ON_ROW]]), words))
    return rows
