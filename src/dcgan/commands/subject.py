"""Finds what is to be judged: the samples of a run or the images of a folder, and the real ones beside them."""

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import torch

from dcgan.commands.measuring_options import EvaluateOptions
from dcgan.commands.originals import Originals
from dcgan.data.dataset import Dataset
from dcgan.data.prepare import prepare
from dcgan.data.sources.open import is_named, open_source
from dcgan.errors import ExitCode, UserError
from dcgan.evaluation import stacked
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.reals import CHUNK
from dcgan.files import user_path
from dcgan.notation import parse_size
from dcgan.runs import shelf
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator, load_generator
from dcgan.runs.portable import is_portable
from dcgan.settings.knobs import DataConfig
from dcgan.tensors import Labels, Pixels
from dcgan.wording import last_name

FIRST_SEED = 2**40
"""Of the samples: never one that a grid, a sheet or an evaluation while training has shown."""
FEWEST = 100
"""Samples below which no number says anything."""
STATISTICS_BATCHES = 100
"""Of running statistics only the last few batches of training are in: too noisy to judge single weights by."""
CHANNELS: dict[int, Literal["grey", "rgb", "rgba"]] = {1: "grey", 3: "rgb", 4: "rgba"}


class Audience(Protocol):
    """Whoever waits for the numbers."""

    def say(self, text: str) -> None:
        """Something to know."""

    def prepare(self, done: int, total: int) -> None:
        """So many images are decoded."""

    def measure(self, done: int, total: int) -> None:
        """The detectors have seen so many images."""


@dataclass(frozen=True)
class Subject:
    """Images that are to be judged, and the real ones to judge them by."""

    title: str
    pixels: Pixels
    """All samples, n c h w."""
    trained: Dataset | None
    """What the run was trained on; of a folder, what it is taken to imitate. None: nobody knows where it is."""
    name: str
    """Name of the data set that it was trained on."""
    other: Dataset | None = None
    """Another reference."""
    other_name: str = ""
    asked: Labels | None = None
    """The class that each sample was asked to be."""
    remarks: list[str] = field(default_factory=list)
    checkpoint: str | None = None
    """Name of the file whose samples these are; its hash is in it. None: they are of no checkpoint."""
    folder: Path | None = None
    measured: list[Measurement] = field(default_factory=list)
    """Measurements that need no detector."""


def find_subject(options: EvaluateOptions, audience: Audience) -> Subject:
    """The samples and the real images.

    Raises:
        UserError: No such target or reference, or too few images.
    """
    path = user_path(options.target)
    is_run = (path / "config.toml").is_file() or path.suffix == ".safetensors" or is_portable(path)
    return _of_run(options, path, audience) if is_run else _of_images(options, path, audience)


def _of_run(options: EvaluateOptions, path: Path, audience: Audience) -> Subject:
    """Samples of a run, and its own data."""
    generator, remark = _generator(options, path)
    data, remarks = generator.config.data, [remark]
    originals = Originals(_root(path), generator)
    if options.data is not None:
        trained: Dataset | None = originals.at(options.data, audience.prepare)
    else:
        trained = originals.find([options.reference] if options.reference else (), audience.prepare)
    if trained is None and options.reference is None:
        raise UserError(
            f"{originals.absence()}. Say where they are with --data SOURCE, or measure against other images with "
            "--reference SOURCE.",
            ExitCode.DATA,
        )
    if trained is None:
        remarks.append(f"{originals.absence()}: what needs its training images is left out (--data says where).")
    audience.say(f"Drawing {options.samples:,} images.")
    seeds = range(FIRST_SEED, FIRST_SEED + options.samples)
    pixels = torch.cat([generator.sample(seeds[start : start + CHUNK]) for start in range(0, len(seeds), CHUNK)])
    other = None if options.reference is None else _prepared_like(data, pixels, options.reference, audience)
    modes: list[Measurement] = []
    if data.source == stacked.SOURCE and trained is not None:
        if stacked.are_countable(pixels):
            modes = stacked.stacked_modes(generator, trained, FIRST_SEED)
        else:
            remarks.append("modes: not measured. Digits are read in colour images of at least 28x28 pixels, 8 bits.")
    return Subject(
        title=str(path),
        pixels=pixels,
        trained=trained,
        name=last_name(data.source),
        other=other,
        other_name=last_name(options.reference or ""),
        asked=generator.labels(seeds),
        remarks=remarks,
        checkpoint=generator.path.name if generator.path else None,
        folder=path if path.is_dir() and not is_portable(path) else None,
        measured=modes,
    )


def _of_images(options: EvaluateOptions, path: Path, audience: Audience) -> Subject:
    """Images that are there already, whoever made them, and the real ones they imitate."""
    _require_images(options.target, path)
    if options.reference is None:
        raise UserError(
            f"{options.target}: these are images, not a run. Say what they imitate with --reference: the real images, "
            "or a run that was trained on them."
        )
    open_source(DataConfig(source=options.target)).close()  # an unusable one is told before the long work
    root = user_path(options.reference)
    if (root / "config.toml").is_file():
        generator = load_generator(root)
        data, originals = generator.config.data, Originals(root, generator)
        trained = originals.at(options.data, audience.prepare) if options.data else originals.find((), audience.prepare)
        if trained is None:
            raise UserError(f"{originals.absence()}. Say where they are with --data SOURCE.", ExitCode.DATA)
    else:
        height, width = parse_size(options.size or "64")
        data = DataConfig(source=options.reference, height=height, width=width)
        trained = prepare(data, audience.prepare)
    samples = _prepared_like(data, _as_samples(trained.pixels[:1]), options.target, audience, held_out=False)
    if len(samples.pixels) < FEWEST:
        raise UserError(f"{options.target}: {len(samples.pixels)} images. At least {FEWEST} are needed.", ExitCode.DATA)
    return Subject(options.target, _as_samples(samples.pixels), trained, last_name(data.source))


def _require_images(target: str, path: Path) -> None:
    """Refuse what is not there at all, and a folder in which the runs lie.

    Raises:
        UserError: Names the runs that may have been meant.
    """
    if path.is_dir() and (runs := sorted(found.parent.name for found in path.glob("*/config.toml"))):
        raise UserError(f"{target}: not a run, but a folder of runs. Name one of them: {', '.join(runs[:8])}.")
    if path.exists() or is_named(target):
        return
    runs = sorted(found.parent.name for found in path.parent.glob("*/config.toml"))
    near = difflib.get_close_matches(path.name, runs, n=1)
    hint = (
        f"Did you mean {path.with_name(near[0])}?" if near else "Expected the folder that dcgan train made, or images."
    )
    raise UserError(f"{target}: no such run, folder or file. {hint}")


def _generator(options: EvaluateOptions, path: Path) -> tuple[TrainedGenerator, str]:
    """The best one if one was kept, unless the last one is asked for; and which it is."""
    generator = load_generator(path, options.checkpoint)
    config, how = generator.config, ""
    if not config.training.averaged and not config.model.statistics_batches:
        generator = generator.reestimated(STATISTICS_BATCHES)
        how = f" It has no average: the last weights are judged, with statistics of {STATISTICS_BATCHES} new batches."
    if is_portable(path):
        return generator, f"An exported generator.{how}"
    images = int(generator.path.name.split("-")[1]) if generator.path else 0
    if path.is_file():
        return generator, f"The checkpoint after {images:,} images.{how}"
    marked = shelf.best(RunFolder(path))
    kind = "best" if marked is not None and marked[0] == generator.path else "last"
    return generator, f"The {kind} checkpoint, after {images:,} images.{how}"


def _root(path: Path) -> Path:
    """The folder of the run that a checkpoint file lies in."""
    return path.absolute().parent.parent if path.is_file() else path


def _as_samples(pictures: np.ndarray) -> Pixels:
    """N h w c → n c h w."""
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2)


def _prepared_like(
    data: DataConfig, samples: Pixels, source: str, audience: Audience, *, held_out: bool = True
) -> Dataset:
    """Another source, brought to the shape and the channels of samples.

    Raises:
        UserError: There is no such source, or its images cannot have as many channels.
    """
    same = replace(data, source=source, limit=None, classes=(), labels=False, held_out=held_out)
    found = prepare(same, audience.prepare)
    channels = samples.shape[1]
    if found.pixels.shape[-1] != channels and channels in CHANNELS:  # colour that is grey by chance, or the reverse
        found = prepare(replace(same, channels=CHANNELS[channels]), audience.prepare)
    theirs = _as_samples(found.pixels[:1])
    if theirs.shape[1:] != samples.shape[1:] or theirs.dtype != samples.dtype:
        raise UserError(
            f"{source}: its images become {_form(theirs)}, those to compare with are {_form(samples)}.", ExitCode.DATA
        )
    return found


def _form(pixels: Pixels) -> str:
    _, channels, height, width = pixels.shape
    return f"{height}x{width}x{channels} {str(pixels.dtype).removeprefix('torch.')}"
