"""Find: the latent whose image is nearest to yours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dcgan.commands.exploring.asked import require_number
from dcgan.commands.exploring.options import Checkpoint, Out, Run, shown
from dcgan.commands.exploring.results import Result, destination, keep, opened
from dcgan.errors import UserError

if TYPE_CHECKING:
    from dcgan.exploration.inversion import Look, Reached
    from dcgan.runs.generator import TrainedGenerator
    from dcgan.tensors import Features, Images, Pixels

COMPARED = 16  # held-out images, and training images, that are searched for as well
SUSPICIOUS = 3.0  # decibels by which training images may be found better than held-out ones


def find(
    run: Run,
    images: Annotated[tuple[str, ...], tyro.conf.Positional, shown("[IMAGE …]")] = (),
    *,
    steps: Annotated[int, shown("N")] = 300,
    starts: Annotated[int, shown("N")] = 8,
    by: Annotated[Literal["pixels", "tiny"], shown("{pixels,tiny}")] = "pixels",
    checkpoint: Checkpoint = None,
    out: Out = None,
) -> Result:
    """The latent whose image is nearest to yours.

    Some held-out and training images are searched for, too, to compare with.

    Args:
        run: The folder that dcgan train made, or one of its checkpoints.
        images: Image files. None: only those to compare with.
        steps: Steps of the search from the best start; the others get a quarter of them (default: 300).
        starts: The samples nearest to each image from which to start (default: 8).
        by: What shall be alike: pixels (the default), or the features of the detector tiny as well.
        checkpoint: Of the run (default: the best one if one was kept, else the last).
        out: FILE.png (default: RUN/explore/find.png).
    """
    require_number("steps", steps, 1, 10_000)
    require_number("starts", starts, 1, 64)
    require_number("images", len(images), 0, 256)
    path = destination(run, out, "find")
    from dcgan.commands.exploring.images import read_images
    from dcgan.exploration.inversion import Search
    from dcgan.exploration.points import together

    generator = opened(run, checkpoint)
    yours = read_images(images, generator) if images else None
    others = _others(generator)
    if yours is None and not others:
        raise UserError(f"{run}: its images are no longer where they were. Give an image to find.")
    search = Search(generator, look=_look(by, generator))
    targets = ({} if yours is None else {"yours": yours}) | others
    reached = {name: search.find(pixels, steps=steps, starts=starts) for name, pixels in targets.items()}
    return keep(
        path,
        _drawn(targets, reached),
        generator,
        method="find",
        words=_words(reached),
        points=together([each.points for each in reached.values()]),
        found={
            "decibels": {name: each.decibels.tolist() for name, each in reached.items()},
            "names": [Path(name).name for name in images],
        },
    )


def _others(generator: "TrainedGenerator") -> "dict[str, Pixels]":
    """Held-out and training images, as far as there are any."""
    from dcgan.commands.exploring.images import pixels_of_rows, spread_rows, trained_on

    dataset = trained_on(generator)
    if dataset is None:
        return {}
    parts = {"held out": dataset.held_out, "training": dataset.train}
    return {name: pixels_of_rows(dataset, spread_rows(rows, COMPARED)) for name, rows in parts.items() if len(rows)}


def _look(by: str, generator: "TrainedGenerator") -> "Look | None":
    if by == "pixels":
        return None
    if generator.config.model.image_channels not in (1, 3):
        raise UserError("--by tiny: sees images of 1 or 3 channels only. Take --by pixels.")
    from dcgan.evaluation.detectors import shipped, tiny

    network = tiny.Tiny().eval().requires_grad_(False)
    network.load_state_dict(shipped.load("tiny"))

    def look(images: "Images") -> "Features":
        features: Features = network(images.expand(-1, 3, -1, -1))
        return features

    return look


def _drawn(targets: "dict[str, Pixels]", reached: "dict[str, Reached]") -> bytes:
    """Targets above, what came nearest below."""
    from dcgan.exploration.sheets import Row, pictures_of, sheet

    rows = []
    for name, pixels in targets.items():
        for start in range(0, len(pixels), COMPARED):
            some = slice(start, start + COMPARED)
            near = reached[name].decibels[some]
            rows.append(Row(pictures_of(pixels[some]), name))
            rows.append(Row(pictures_of(reached[name].pixels[some]), f"found\n{float(near.median()):.1f} dB"))
    return sheet(rows)


def _words(reached: "dict[str, Reached]") -> list[str]:
    medians = {name: float(each.decibels.median()) for name, each in reached.items()}
    words = []
    if "yours" in reached:
        each = ", ".join(f"{value:.1f}" for value in reached["yours"].decibels[:20].tolist())
        words.append(f"Yours: {each} dB from the image that comes nearest (20 is alike, 30 hard to tell apart).")
    known = [f"{name} images {medians[name]:.1f}" for name in ("held out", "training") if name in medians]
    if known:
        words.append(f"To compare with, medians in dB: {', '.join(known)}.")
    if len(known) == 2 and medians["training"] > medians["held out"] + SUSPICIOUS:
        words.append("Training images are found better than held-out ones: a sign that some were memorised.")
    words.append("The image comes back, the latent need not: many latents draw nearly the same.")
    return words
