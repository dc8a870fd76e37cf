"""Sample: seeds become images, one file each, and one sheet of them all."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import tyro

from dcgan.commands.looks import MOST_FRAMES, Look, LookOptions, training_images
from dcgan.errors import UserError

if TYPE_CHECKING:
    from dcgan.exploration.points import Points
    from dcgan.runs.generator import TrainedGenerator

SHEET_LIMIT = 400  # images on the sheet; the rest are files only
BATCH = 1024  # images in memory at a time


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """New images from a trained run."""

    run: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN")]
    """The folder that dcgan train made, or one of its checkpoints."""
    seeds: Annotated[str, tyro.conf.arg(metavar="0-31,40,99")] = "0-63"
    """Which: single seeds and ranges, such as 0-63 or 1,5,10-20. A seed is the same image every time."""
    label: Annotated[str | None, tyro.conf.arg(metavar="CLASS", help_behavior_hint="")] = None
    """Of this class only (runs trained with --labels)."""
    checkpoint: Annotated[
        Literal["best", "last"] | None, tyro.conf.arg(metavar="{best,last}", help_behavior_hint="")
    ] = None
    """Of the run (default: the best one if one was kept, else the last)."""
    latents: Annotated[str | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Draw the latents of a JSON file, such as dcgan explore leaves, instead of seeds."""
    out: Annotated[str, tyro.conf.arg(metavar="FOLDER")] = "samples"
    """Where the images go."""
    look: tyro.conf.OmitArgPrefixes[LookOptions] = field(default_factory=LookOptions)


@dataclass(frozen=True)
class Sampled:
    """What was written."""

    folder: Path
    count: int
    remarks: tuple[str, ...] = ()
    """Sentences for the person who asked."""


def sample(options: SampleOptions) -> Sampled:
    """Write ``seed_00000.png`` … (``latent_00000.png`` …) and ``sheet.png``, or what the options ask for instead.

    What a PNG cannot hold (16-bit colour, two or more than four channels) lies beside it as ``.npy``.
    """
    from dcgan.exploration.points import draw
    from dcgan.files import user_path, write_atomically
    from dcgan.runs.generator import load_generator
    from dcgan.runs.hub import is_on_hub, pinned

    options.look.check()
    parse_seeds(options.seeds)
    generator = load_generator(user_path(options.run), options.checkpoint)
    names, points = named_points(options, generator)
    generator, remarks = tiled(generator, points) if options.look.tile else (generator, ())
    example = draw(generator, points[:64]).permute(0, 2, 3, 1).numpy()
    data = generator.config.data
    look = Look(options.look, example, training_images(user_path(options.run), data.height, data.width))
    whole = options.look.format in ("gif", "apng") or options.look.atlas
    if whole and len(points) > MOST_FRAMES:
        raise UserError(f"--seeds: {len(points):,} images; an animation or an atlas holds at most {MOST_FRAMES:,}.")
    out = user_path(options.out)
    kept: list[np.ndarray] = []
    for start in range(0, len(points), BATCH):
        images = look.finish(draw(generator, points[start : start + BATCH]).permute(0, 2, 3, 1).numpy())
        for name, picture in zip(names[start : start + BATCH], images, strict=True):
            if options.look.format in ("png", "webp"):
                for suffix, content in look.single(picture).items():
                    write_atomically(out / f"{name}{suffix}", content)
            if whole or len(kept) < SHEET_LIMIT:
                kept.append(picture)
    for name, content in look.together(np.stack(kept), names).items():
        write_atomically(out / name, content)
    write_atomically(out / "sheet.png", sheet(np.stack(kept[:SHEET_LIMIT])))
    if is_on_hub(options.run):
        remarks = (*remarks, f"From {pinned(options.run, generator.path)}")
    return Sampled(out, len(points), remarks)


def named_points(options: SampleOptions, generator: "TrainedGenerator") -> tuple[list[str], "Points"]:
    """The points to draw and the names of their images."""
    from dcgan.exploration.points import points_of_seeds, read_points
    from dcgan.files import user_path

    if options.latents is not None:
        if options.label is not None:
            told = "give one of them. The file says how much of each class its images are"
            raise UserError(f"--label and --latents: {told}.")
        points = read_points(user_path(options.latents), generator)
        return [f"latent_{number:05d}" for number in range(len(points))], points
    seeds = parse_seeds(options.seeds)
    label = None if options.label is None else class_number(options.label, generator.class_names)
    return [f"seed_{seed:05d}" for seed in seeds], points_of_seeds(generator, seeds, label)


def tiled(generator: "TrainedGenerator", points: "Points") -> tuple["TrainedGenerator", tuple[str, ...]]:
    """The generator with wrapping layers, and how well its images tile."""
    from dcgan.exploration.points import draw
    from dcgan.export.seamless import seam, seamless

    wrapped = seamless(generator)
    before, after = (seam(draw(each, points[:64]).permute(0, 2, 3, 1).numpy()) for each in (generator, wrapped))
    return wrapped, (
        f"Seams: the step across a border is {after:.2f} times the step between neighbouring pixels "
        f"({before:.2f} without --tile). At 1 a border is like any other place; far above 1 it shows.",
    )


def sheet(images: np.ndarray) -> bytes:
    """All images on one PNG, row by row."""
    from dcgan.data.pixels import grid, png, viewable

    return png(grid(viewable(images), math.ceil(math.sqrt(len(images)))))


def parse_seeds(text: str) -> list[int]:
    """``"0-3,7"`` → [0, 1, 2, 3, 7].

    Raises:
        UserError: Not seeds, or more than 100,000 of them.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first or len(seeds) + last - first >= 100_000:
            raise UserError(f"--seeds {text}: must be up to 100,000 seeds and ranges, such as 0-63 or 1,5,10-20.")
        seeds += range(first, last + 1)
    return seeds


def class_number(name: str, class_names: Sequence[str]) -> int:
    """The number of the class of that name.

    Raises:
        UserError: No such class, or a generator without classes.
    """
    if not class_names:
        raise UserError(f"--label {name}: this generator knows no classes. Train one with --labels.")
    if name not in class_names:
        raise UserError(f"--label {name}: no such class. Known: {', '.join(class_names)}.")
    return class_names.index(name)
