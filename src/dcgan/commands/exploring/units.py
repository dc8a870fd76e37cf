"""Units: what each feature map of a generator draws."""

from typing import Annotated

from dcgan.commands.exploring.asked import label_of, require_number
from dcgan.commands.exploring.options import Checkpoint, Label, Out, Run, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened

FIRST_SEED = 2**44


def units(
    run: Run,
    *,
    samples: Annotated[int, shown("N")] = 256,
    each: Annotated[int, shown("N")] = 8,
    label: Label = None,
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """What each feature map draws: the samples that excite it, and where it counts.

    For each layer those that change images most when they are set to zero.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        samples: Images to look for exciting ones in (default: 256).
        each: Units shown of each layer (default: 8).
        label: Draw this class only (runs trained with --labels).
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/units.png).
    """
    require_number("samples", samples, 16, 10_000)
    require_number("each", each, 1, 48)
    path = destination(run, out, "units")
    import numpy as np

    from dcgan.exploration.points import draw, points_of_seeds
    from dcgan.exploration.sheets import Row, pictures_of, shades, sheet, solid
    from dcgan.exploration.units import explored_units

    generator = opened(run, checkpoint)
    points = points_of_seeds(generator, range(FIRST_SEED, FIRST_SEED + samples), label_of(label, generator.class_names))
    pictures = pictures_of(draw(generator, points))
    layers = explored_units(generator, points, each)
    found = [unit for layer in layers for unit in layer]
    rows = []
    for unit in found:
        excited = np.stack([np.asarray(solid(pictures[row])) for row in unit.samples.tolist()])
        shown_here = np.concatenate([excited, shades(unit.where / unit.where.max().clamp(min=1e-12))])
        words = f"layer {unit.layer}, unit {unit.number}\n{unit.change:.1f} grey levels"
        rows.append(Row(shown_here, words, breaks=(len(excited),)))
    means = ", ".join(f"{sum(unit.change for unit in layer) / len(layer):.1f}" for layer in layers)
    return keep(
        path,
        sheet(rows, head="The samples that excite each unit most; where the image changes without it"),
        generator,
        method="units",
        words=[
            "Units by layer, from the latent to the image: the samples that excite each most, and, dark, where images "
            "change when it is set to zero.",
            f"Mean change in grey levels of the units shown, by layer: {means}.",
        ],
        points=points[sorted({row for unit in found for row in unit.samples.tolist()})],
        found={"units": [{"layer": unit.layer, "unit": unit.number, "change": unit.change} for unit in found]},
    )
