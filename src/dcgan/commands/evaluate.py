"""Evaluate: how good are the images of a run, or of a folder that any other tool has filled?"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from dcgan.commands.measuring_options import EvaluateOptions
from dcgan.commands.subject import FEWEST, Audience, Subject, find_subject
from dcgan.data.pixels import grid, png, viewable
from dcgan.errors import UserError
from dcgan.evaluation.detectors.by_name import DEFAULT_DETECTORS, Detector, detector, protocol
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.measures.copies import Pair
from dcgan.evaluation.reals import CHUNK, against, reals_of
from dcgan.evaluation.verdict import Verdict, judge
from dcgan.files import user_path, write_atomically
from dcgan.reporting.report import write_report
from dcgan.runs.folder import RunFolder
from dcgan.training.waiting import Waiting

MOST = 1_000_000
FEWEST_REFERENCE = 5_000
"""Real images of each part that are looked at by default, or as many as there are samples."""
SHOWN = 20
"""Samples on each of the sheets of the most and the least usual ones."""


class Nobody:
    """Silence."""

    def say(self, text: str) -> None:
        """Nothing."""

    def prepare(self, done: int, total: int) -> None:
        """Nothing."""

    def measure(self, done: int, total: int) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Evaluation:
    """The numbers, and what else there is to say."""

    title: str
    measurements: list[Measurement]
    remarks: list[str] = field(default_factory=list)
    """Copies and such, in words."""
    checkpoint: str | None = None
    """Name of the file that was measured, its hash in it. None: no checkpoint was."""
    folder: Path | None = None
    """Where the pictures are."""

    def to_json(self) -> str:
        """As it is kept."""
        facts = {
            "of": self.title,
            "checkpoint": self.checkpoint,
            "remarks": self.remarks,
            "measurements": [measurement.to_json() for measurement in self.measurements],
        }
        return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def evaluate(options: EvaluateOptions, audience: Audience | None = None) -> Evaluation:
    """Measure, and write ``evaluation.json`` and the pictures.

    Raises:
        UserError: No such target or reference, or too few images.
    """
    _check(options)
    audience = audience or Nobody()
    with Waiting(torch.get_num_threads()) as waiting:
        subject = find_subject(options, audience)
        folder = user_path(options.out) if options.out else subject.folder
        evaluation = _judged(subject, options, folder, audience, waiting)
    if folder is not None:
        write_atomically(RunFolder(folder).evaluation, evaluation.to_json().encode())
    if subject.folder is not None:
        write_report(RunFolder(subject.folder))
    return evaluation


def _check(options: EvaluateOptions) -> None:
    """Refuse before the long work what can be known to fail."""
    for name, value in (("samples", options.samples), ("reference-images", options.reference_images)):
        if value is not None and not FEWEST <= value <= MOST:
            bound = f"at least {FEWEST}" if value < FEWEST else f"at most {MOST:,}"
            raise UserError(f"--{name} {value}: must be {bound}.")
    for name in options.detectors:
        detector(name)


def _judged(
    subject: Subject, options: EvaluateOptions, folder: Path | None, audience: Audience, waiting: Waiting
) -> Evaluation:
    """The numbers by each detector, and pictures by the first."""
    evaluation = Evaluation(subject.title, list(subject.measured), list(subject.remarks), subject.checkpoint, folder)
    _, channels, _, _ = subject.pixels.shape
    most = options.reference_images or max(FEWEST_REFERENCE, len(subject.pixels))
    names = options.detectors or DEFAULT_DETECTORS
    seen = _Count(subject, most, len(names), audience, waiting)
    for number, name in enumerate(names):
        eyes = detector(protocol(name, channels, subject.pixels.dtype) if ":" not in name else name)
        verdict = _verdict(subject, eyes, most, seen, evaluation.remarks)
        evaluation.measurements.extend(verdict.measurements)
        evaluation.remarks.extend(line for line in verdict.remarks if line not in evaluation.remarks)
        if verdict.copies is not None:
            evaluation.remarks.append(f"{eyes.name}: {verdict.copies}.")
        if number == 0 and folder is not None:
            _write_sheets(RunFolder(folder), subject, verdict)
    return evaluation


class _Count:
    """Counts the images that detectors have seen, and tells; lets the threads wait as the machine is meanwhile."""

    def __init__(self, subject: Subject, most: int, num_detectors: int, audience: Audience, waiting: Waiting) -> None:
        parts = [part for data in (subject.trained, subject.other) if data for part in (data.train, data.held_out)]
        self._total = num_detectors * (len(subject.pixels) + sum(min(len(part), most) for part in parts))
        self._done, self._audience, self._waiting = 0, audience, waiting

    def __call__(self, more: int) -> None:
        self._done += more
        self._audience.measure(self._done, self._total)
        self._waiting.look()


def _verdict(subject: Subject, eyes: Detector, most: int, seen: Callable[[int], None], remarks: list[str]) -> Verdict:
    trained, other = subject.trained, subject.other
    reals = None if trained is None else reals_of(trained, subject.name, eyes, most=most, seen=seen)
    if other is not None:
        theirs = reals_of(other, subject.other_name, eyes, most=most, seen=seen)
        apart = against(reals, theirs, trained, other)
        known = f"{subject.other_name}: the run was trained on these images, so they are measured against as such."
        if apart is None and known not in remarks:
            remarks.append(known)
        reals = apart or reals
    assert reals is not None, subject.title
    samples = []
    for chunk in torch.split(subject.pixels, CHUNK):
        samples.append(eyes(chunk))
        seen(len(chunk))
    return judge(torch.cat(samples), reals, detector=eyes.name, resize=eyes.resize, asked=subject.asked)


def _write_sheets(run: RunFolder, subject: Subject, verdict: Verdict) -> None:
    """Suspected copies beside their originals; the most and the least usual samples."""
    for path in (run.copies, run.least_usual, run.most_usual):
        path.unlink(missing_ok=True)  # of an earlier evaluation, which this one may not renew
    if verdict.copies is not None and subject.trained is not None:
        worst = verdict.copies.worst
        originals = subject.trained.pixels[subject.trained.train[[pair.train for pair in worst]]]
        write_atomically(run.copies, png(_pairs(subject, worst, originals)))
    if verdict.sample_density is not None:
        order = verdict.sample_density.argsort(stable=True)
        for path, rows in ((run.least_usual, order[:SHOWN]), (run.most_usual, order.flip(0)[:SHOWN])):
            pictures = subject.pixels[rows].permute(0, 2, 3, 1).numpy()
            write_atomically(path, png(grid(viewable(pictures), SHOWN // 2)))


def _pairs(subject: Subject, worst: Sequence[Pair], originals: np.ndarray) -> np.ndarray:
    """Samples above, the training images that they resemble below."""
    samples = subject.pixels[[pair.sample for pair in worst]].permute(0, 2, 3, 1).numpy()
    return grid(viewable(np.concatenate([samples, originals])), len(worst))
