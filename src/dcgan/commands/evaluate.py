"""Evaluate: how good are the images of a run, or of a folder that any other tool has filled?"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from dcgan.commands.options import EvaluateOptions
from dcgan.data.dataset import Dataset
from dcgan.data.pixels import grid, png, viewable
from dcgan.data.prepare import prepare
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.evaluation import stacked
from dcgan.evaluation.detectors.by_name import Detector, detector, protocol
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.measures.copies import Pair
from dcgan.evaluation.reals import CHUNK, against, reals_of
from dcgan.evaluation.verdict import Verdict, judge
from dcgan.files import user_path, write_atomically
from dcgan.notation import parse_size
from dcgan.reporting.report import write_report
from dcgan.runs import shelf
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator, load_generator
from dcgan.settings.knobs import DataConfig
from dcgan.tensors import Labels, Pixels
from dcgan.wording import plain

FIRST_SEED = 2**40
"""Of the samples: never one that a grid, a sheet or an evaluation while training has shown."""
FEWEST = 100
DETECTORS = ("tiny", "second")
STATISTICS_BATCHES = 100
"""Of running statistics only the last few batches of training are in: too noisy to judge single weights by."""
SHOWN = 20
"""Samples on each of the sheets of the most and the least usual ones."""
CHANNELS: dict[int, Literal["grey", "rgb", "rgba"]] = {1: "grey", 3: "rgb", 4: "rgba"}


Say = Callable[[str], object]


@dataclass(frozen=True)
class Evaluation:
    """The numbers, and what else there is to say."""

    title: str
    measurements: list[Measurement]
    remarks: list[str] = field(default_factory=list)
    """Copies and such, in words."""
    folder: Path | None = None
    """Where the pictures are."""

    def to_json(self) -> str:
        """As it is kept."""
        facts = {
            "of": self.title,
            "remarks": self.remarks,
            "measurements": [measurement.to_json() for measurement in self.measurements],
        }
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


@dataclass(frozen=True)
class Subject:
    """Whose images are judged, and by what."""

    title: str
    pixels: Pixels
    """All samples, n c h w."""
    trained: Dataset
    """What it was trained on; of a folder, what it is taken to imitate."""
    name: str
    """Of that."""
    other: Dataset | None = None
    """Another reference."""
    other_name: str = ""
    asked: Labels | None = None
    remarks: list[str] = field(default_factory=list)
    folder: Path | None = None
    measured: list[Measurement] = field(default_factory=list)
    """What needs no detector."""


def evaluate(options: EvaluateOptions, say: Say | None = None) -> Evaluation:
    """Measure, and write ``evaluation.json`` and the pictures.

    Raises:
        UserError: No such target or reference, or too few images.
    """
    if options.samples < FEWEST:
        raise UserError(f"--samples {options.samples}: must be at least {FEWEST}.")
    for name in options.detectors:
        detector(name)  # a misspelt one is told before the long work
    tell: Say = say or (lambda text: None)
    target = user_path(options.target)
    is_run = (target / "config.toml").is_file() or target.suffix == ".safetensors"
    subject = _of_run(options, tell) if is_run else _of_images(options, tell)
    folder = user_path(options.out) if options.out else subject.folder
    evaluation = _judged(subject, options.detectors or DETECTORS, folder, tell)
    if folder is not None:
        write_atomically(RunFolder(folder).evaluation, evaluation.to_json().encode())
    if subject.folder is not None:
        write_report(RunFolder(subject.folder))
    return evaluation


def _of_run(options: EvaluateOptions, say: Say) -> Subject:
    """Samples of a run, and its own data."""
    path = user_path(options.target)
    generator, remark = _generator(options)
    data = generator.config.data
    trained = prepare(data)
    other, other_name = None, ""
    if options.reference is not None:
        other, other_name = _prepared_like(data, trained, options.reference), _short(options.reference)
    say(f"Drawing {options.samples:,} images.")
    seeds = range(FIRST_SEED, FIRST_SEED + options.samples)
    num_classes = generator.generator.num_classes
    asked = torch.tensor([seed % num_classes for seed in seeds]) if num_classes else None
    is_stacked = data.source == stacked.SOURCE
    return Subject(
        title=str(path),
        pixels=generator.sample(seeds),
        trained=trained,
        name=_short(data.source),
        other=other,
        other_name=other_name,
        asked=asked,
        remarks=[remark],
        folder=path if path.is_dir() else None,
        measured=stacked.stacked_modes(generator, trained, FIRST_SEED) if is_stacked else [],
    )


def _of_images(options: EvaluateOptions, say: Say) -> Subject:
    """Images that are there already, whoever made them, and the real ones they imitate."""
    if options.reference is None:
        raise UserError(
            f"{options.target}: these are images, not a run. Say what they imitate with --reference: the real images, "
            "or a run that was trained on them."
        )
    open_source(DataConfig(source=options.target)).close()  # likewise
    root = user_path(options.reference)
    if (root / "config.toml").is_file():
        data = load_generator(root).config.data
    else:
        height, width = parse_size(options.size or "64")
        data = DataConfig(source=options.reference, height=height, width=width)
    trained = prepare(data)
    say(f"Reading {plain(options.target)}.")
    samples = _prepared_like(data, trained, options.target, held_out=False)
    if len(samples.pixels) < FEWEST:
        raise UserError(f"{options.target}: {len(samples.pixels)} images. At least {FEWEST} are needed.", ExitCode.DATA)
    pixels = torch.from_numpy(np.array(samples.pixels)).permute(0, 3, 1, 2)
    return Subject(title=options.target, pixels=pixels, trained=trained, name=_short(data.source))


def _judged(subject: Subject, detectors: Sequence[str], folder: Path | None, say: Say) -> Evaluation:
    """The numbers by each detector, and pictures by the first."""
    evaluation = Evaluation(subject.title, list(subject.measured), list(subject.remarks), folder)
    _, channels, _, _ = subject.pixels.shape
    for number, name in enumerate(detectors):
        eyes = detector(protocol(name, channels, subject.pixels.dtype) if ":" not in name else name)
        say(f"Looking with {eyes.name}.")
        verdict = _verdict(subject, eyes)
        evaluation.measurements.extend(verdict.measurements)
        evaluation.remarks.append(f"{eyes.name}: {verdict.copies}.")
        if number == 0 and folder is not None:
            _write_sheets(RunFolder(folder), subject, verdict)
    return evaluation


def _verdict(subject: Subject, eyes: Detector) -> Verdict:
    reals = reals_of(subject.trained, subject.name, eyes)
    if subject.other is not None:
        reals = against(reals, reals_of(subject.other, subject.other_name, eyes), subject.trained, subject.other)
    samples = torch.cat([eyes(chunk) for chunk in torch.split(subject.pixels, CHUNK)])
    return judge(samples, reals, detector=eyes.name, resize=eyes.resize, asked=subject.asked)


def _generator(options: EvaluateOptions) -> tuple[TrainedGenerator, str]:
    """The best one if one was kept, unless the last one is asked for; and which it is."""
    path = user_path(options.target)
    generator = load_generator(path, options.checkpoint)
    config, how = generator.config, ""
    if not config.training.averaged and not config.model.statistics_batches:
        generator = generator.reestimated(STATISTICS_BATCHES)
        how = f" It has no average: the last weights are judged, with statistics of {STATISTICS_BATCHES} new batches."
    images = int(generator.path.name.split("-")[1]) if generator.path else 0
    if path.is_file():
        return generator, f"The checkpoint after {images:,} images.{how}"
    marked = shelf.best(RunFolder(path))
    kind = "best" if marked is not None and marked[0] == generator.path else "last"
    return generator, f"The {kind} checkpoint, after {images:,} images.{how}"


def _prepared_like(data: DataConfig, dataset: Dataset, source: str, *, held_out: bool = True) -> Dataset:
    """Another source, brought to the same shape and channels.

    Raises:
        UserError: There is no such source, or its images cannot have as many channels.
    """
    same = replace(data, source=source, limit=None, classes=(), labels=False, held_out=held_out)
    found = prepare(same)
    channels = dataset.pixels.shape[-1]
    if found.pixels.shape[-1] != channels and channels in CHANNELS:  # colour that is grey by chance, or the reverse
        found = prepare(replace(same, channels=CHANNELS[channels]))
    if found.pixels.shape[1:] != dataset.pixels.shape[1:] or found.pixels.dtype != dataset.pixels.dtype:
        ours, theirs = (f"{'x'.join(map(str, one.pixels.shape[1:]))} {one.pixels.dtype}" for one in (dataset, found))
        raise UserError(f"{source}: its images become {theirs}, those to compare with are {ours}.", ExitCode.DATA)
    return found


def _short(source: str) -> str:
    """The name of a source without its folders: where data lies is nobody's business but its owner's."""
    return source.rstrip("/").rpartition("/")[2] or source


def _write_sheets(run: RunFolder, subject: Subject, verdict: Verdict) -> None:
    """Suspected copies beside their originals; the most and the least usual samples."""
    originals = subject.trained.pixels[subject.trained.train[[pair.train for pair in verdict.copies.worst]]]
    write_atomically(run.copies, png(_pairs(subject, verdict.copies.worst, originals)))
    order = verdict.sample_density.argsort(stable=True)
    for path, rows in ((run.least_usual, order[:SHOWN]), (run.most_usual, order.flip(0)[:SHOWN])):
        pictures = subject.pixels[rows].permute(0, 2, 3, 1).numpy()
        write_atomically(path, png(grid(viewable(pictures), SHOWN // 2)))


def _pairs(subject: Subject, worst: Sequence[Pair], originals: np.ndarray) -> np.ndarray:
    """Samples above, the training images that they resemble below."""
    samples = subject.pixels[[pair.sample for pair in worst]].permute(0, 2, 3, 1).numpy()
    return grid(viewable(np.concatenate([samples, originals])), len(worst))
