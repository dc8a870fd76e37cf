"""Runs that take no time, and what must be equal between two of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import dcgan
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.data.sources.critters import draw
from dcgan.runs import checkpoint, journal
from dcgan.runs.folder import RunFolder

SETTINGS = {
    "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 8,
    "runs.journal_every_images": 48, "runs.preview_rows": 2, "runs.preview_columns": 3, "hardware.precision": "fp32",
    "runs.save_every_images": 80, "runs.save_every_seconds": 1e6, "training.anchor_every_images": 160,
}  # fmt: skip
BUDGET = 640  # images, 80 steps; previews at 0, 504, 640
MOST_STEPS = 300  # of one sitting: a run that goes back for ever would never end
TIMED = {"seconds", "images_per_second", "time", "images"}


class Ears:
    """A listener that remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def prepare(self, done: int, total: int) -> None: ...

    def picture(self, path: Path) -> None: ...


def write_source(path: Path) -> Path:
    """64 creatures of 16 x 16 as an array file."""
    np.save(path, np.stack([draw(index, 16, 16)[..., :3] for index in range(64)]))
    return path


def options(source: Path, out: Path, budget: int = BUDGET, settings: dict[str, Any] | None = None) -> TrainOptions:
    turned = tuple(f"{key}={value}" for key, value in (SETTINGS | (settings or {})).items())
    return TrainOptions(
        source=str(source), size="16", out=str(out), threads=1, device="cpu", budget=str(budget), settings=turned
    )


def train(
    source: Path, out: Path, *, budget: int = BUDGET, ears: Ears | None = None, **settings: Any
) -> Iterator[dcgan.StepReport]:
    """One sitting of a run; dots in the names of settings are written as two underscores."""
    turned = {key.replace("__", "."): value for key, value in settings.items()}
    with Training(options(source, out, budget, turned), ears or Ears()) as training:
        yield from training.steps()


def finish(source: Path, out: Path, **more: Any) -> RunFolder:
    for number, _ in enumerate(train(source, out, **more)):
        assert number < MOST_STEPS, "it does not come to its end"
    return RunFolder(out)


def untimed_journal(run: RunFolder) -> list[dict[str, Any]]:
    entries = [entry for entry in journal.read(run.journal) if entry["event"] not in ("start", "end")]
    return [{key: value for key, value in entry.items() if key not in TIMED} for entry in entries]


def fingerprint(run: RunFolder) -> dict[str, Any]:
    """All that must be equal between a run that was stopped and one that was not: to the bit, times aside."""
    found = checkpoint.newest(run)
    assert found is not None
    tensors = {}
    for name, tensor in sorted(found.tensors.items()):
        content = hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()
        tensors[name] = f"{tensor.dtype} {tuple(tensor.shape)} {content}"
    facts = {key: value for key, value in found.facts.items() if key not in ("seconds", "epoch_seconds")}
    pictures = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in run.samples.glob("*.png")}
    ends = [entry["reason"] for entry in journal.read(run.journal) if entry["event"] == "end"]
    return {
        "tensors": tensors,
        "facts": facts,
        "journal": untimed_journal(run),
        "pictures": dict(sorted(pictures.items())),
        "ends": ends[-1:],
        "strays": sorted(path.name for path in run.root.rglob(".*")),
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The parts in which two fingerprints differ, in words; empty when the runs are equal."""
    found = []
    for part in one.keys() | other.keys():
        first, second = one.get(part), other.get(part)
        if first != second:
            if isinstance(first, dict) and isinstance(second, dict):
                found += [f"{part}.{key}" for key in first.keys() | second.keys() if first.get(key) != second.get(key)]
            else:
                found.append(f"{part}: {first} / {second}")
    return sorted(found)
