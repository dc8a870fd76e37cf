"""Sample: seeds become images, one file each, and one sheet of them all."""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from dcgan.errors import UserError

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


def sample(options: SampleOptions) -> tuple[Path, int]:
    """Write ``seed_00000.png`` … (``latent_00000.png`` …) and ``sheet.png``; the folder and the number of images.

    What a PNG cannot hold (16-bit colour, two or more than four channels) becomes ``.npy``.
    """
    from dcgan.data.pixels import grid, png, viewable
    from dcgan.exploration.points import draw, points_of_seeds, read_points
    from dcgan.files import write_atomically
    from dcgan.runs.generator import load_generator

    seeds = parse_seeds(options.seeds)
    if options.latents is not None and options.label is not None:
        raise UserError("--label and --latents: give one of them. The file says how much of each class its images are.")
    generator = load_generator(Path(options.run), options.checkpoint)
    label = None if options.label is None else class_number(options.label, generator.class_names)
    if options.latents is None:
        names, points = [f"seed_{seed:05d}" for seed in seeds], points_of_seeds(generator, seeds, label)
    else:
        points = read_points(Path(options.latents), generator)
        names = [f"latent_{number:05d}" for number in range(len(points))]
    out = Path(options.out)
    on_sheet: list[np.ndarray] = []
    for start in range(0, len(points), BATCH):
        pixels = draw(generator, points[start : start + BATCH]).permute(0, 2, 3, 1).numpy()
        for name, picture in zip(names[start : start + BATCH], pixels, strict=True):
            suffix, content = encoded(picture)
            write_atomically(out / f"{name}{suffix}", content)
            if len(on_sheet) < SHEET_LIMIT:
                on_sheet.append(picture)
    sheet = grid(viewable(np.stack(on_sheet)), math.ceil(math.sqrt(len(on_sheet))))
    write_atomically(out / "sheet.png", png(sheet))
    return out, len(points)


def encoded(picture: np.ndarray) -> tuple[str, bytes]:
    """One image h w c → suffix and content of a file that loses nothing of it."""
    from dcgan.data.pixels import png

    channels = picture.shape[-1]
    if channels == 1 or (picture.dtype == np.uint8 and channels in (3, 4)):
        return ".png", png(picture)
    buffer = io.BytesIO()
    np.save(buffer, picture)
    return ".npy", buffer.getvalue()


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
