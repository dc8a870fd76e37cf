"""Neighbours: the training images nearest to samples, by each detector."""

from typing import TYPE_CHECKING, Annotated, Any

import tyro

from dcgan.commands.exploring.asked import label_of, seeds_of
from dcgan.commands.exploring.options import Checkpoint, Label, Out, Run, Seeds, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened

if TYPE_CHECKING:
    from dcgan.data.dataset import Dataset
    from dcgan.evaluation.detectors.by_name import Detector
    from dcgan.tensors import Pixels

SHOWN = 3  # neighbours by each detector


def neighbours(
    run: Run,
    *,
    seeds: Seeds = "0-9",
    detectors: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, shown("NAME", name="detector")] = (),
    label: Label = None,
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """The training images nearest to samples: are these new, or copies?

    Args:
        run: The folder that dcgan train made, or one of its checkpoints. Its training images must still be there.
        seeds: The samples (default: 0-9).
        detectors: Who says what is near, as dcgan evaluate takes it; may be repeated (default: tiny and second).
        label: Draw this class only (runs trained with --labels).
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/neighbours.png).
    """
    numbers = seeds_of(seeds, most=100)
    path = destination(run, out, "neighbours")
    import numpy as np

    from dcgan.commands.exploring.images import pixels_of_rows, required
    from dcgan.commands.exploring.looking import eyes
    from dcgan.exploration.points import draw, points_of_seeds
    from dcgan.exploration.sheets import Row, pictures_of, sheet

    generator = opened(run, checkpoint)
    judges = [eyes(name, generator) for name in detectors or ("tiny", "second")]
    dataset = required(generator, run)
    points = points_of_seeds(generator, numbers, label_of(label, generator.class_names))
    pixels = draw(generator, points)
    found = {judge.name: _near(pixels, dataset, judge) for judge in judges}
    rows = []
    for place, seed in enumerate(numbers):
        near = [pictures_of(pixels_of_rows(dataset, np.array(each["rows"][place]))) for each in found.values()]
        pictures = np.concatenate([pictures_of(pixels[place : place + 1]), *near])
        breaks = tuple(1 + SHOWN * number for number in range(len(near)))
        ratios = ", ".join(f"{each['distance_over_held_out'][place]:.2f}" for each in found.values())
        rows.append(Row(pictures, f"seed {seed}\n{ratios}", breaks))
    names = " and ".join(found)
    return keep(
        path,
        sheet(rows, head=f"Each sample, then the training images nearest to it by {names}"),
        generator,
        method="neighbours",
        words=[
            f"Each sample and the {SHOWN} training images nearest to it, by {names}.",
            "The numbers are its distance to the nearest one over the median distance of other real images to theirs: "
            "about 1 is what new images have, far below 1 is near a copy.",
        ],
        points=points,
        found={"seeds": numbers, "neighbours": found},
    )


def _near(pixels: "Pixels", dataset: "Dataset", judge: "Detector") -> dict[str, Any]:
    """Rows, names and distances of the nearest training images; distances also over those of other real images."""
    from dcgan.evaluation.measures.neighbours import nearest, nearest_others
    from dcgan.evaluation.reals import reals_of

    reals = reals_of(dataset, "", judge)
    assert reals.train is not None, dataset.fingerprint
    train = reals.train.features
    near = nearest(judge(pixels), train, min(SHOWN, len(train)))
    if reals.held_out is None:
        others = nearest_others(train, groups=reals.train.groups).distances
    else:
        others = nearest(reals.held_out.features, train).distances
    rows = dataset.train[near.rows.numpy()]
    typical = float(others[others.isfinite()].median()) or 1.0
    return {
        "rows": rows.tolist(),
        "names": [[dataset.names[row] for row in each] for each in rows.tolist()],
        "distances": near.distances.tolist(),
        "distance_over_held_out": (near.distances[:, 0] / typical).tolist(),
    }
