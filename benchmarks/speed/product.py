"""``dcgan`` itself: as a user starts it, and its training loop in this process."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import Watched, answer, timed, watch
from benchmarks.speed.cases import Case, drawn_pixels
from dcgan.data.batches import Batches
from dcgan.data.prepare import prepare
from dcgan.hardware import keep_big_blocks
from dcgan.randomness import latents
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import load_generator
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.training.compiled import compile_networks
from dcgan.training.feed import Inputs, draws_of
from dcgan.training.loop import train_steps
from dcgan.training.schedules import Rates
from dcgan.training.setup import advance_of, feed_of, new_state, rules_of
from dcgan.training.state import TrainingState

NUM_DRAWN = 512


def command(
    case: Case, folder: Path, out: Path, *, precision: str, threads: int, images: int, **settings: Any
) -> list[str]:
    """What a user types to train the case on a folder of pictures."""
    words = [sys.executable, "-m", "dcgan", "train", str(folder), "--recipe", case.recipe, "--size", str(case.size)]
    words += ["--precision", precision, "--threads", str(threads), "--budget", str(images), "--out", str(out)]
    words += ["--set", "undecided="]  # no rule decides on other networks than those that are compared
    for key, value in (case.settings() | settings).items():
        words += ["--set", f"{key}={json.dumps(value)}"]
    return words


def throughput(run: RunFolder) -> dict[str, float]:
    """Images a second between the first and the last ``step`` line of a run's journal.

    Previews, checkpoints and reports that fell due in between are part of it.
    """
    steps = [entry for entry in journal.read(run.journal) if entry["event"] == "step"]
    assert len(steps) >= 2, f"{run.journal}: {len(steps)} lines"
    images = steps[-1]["images_seen"] - steps[0]["images_seen"]
    seconds = steps[-1]["seconds"] - steps[0]["seconds"]
    return {"images": images, "seconds": seconds, "images_per_second": images / seconds}


def train(words: list[str], run: RunFolder, *, threads: int, cache: Path) -> tuple[Watched, float]:
    """Run the command; what it did, and when (on the monotonic clock) its first ``step`` line was on disk."""
    arrived: list[float] = []

    def num_steps() -> int:
        return run.journal.read_bytes().count(b'"step"') if run.journal.exists() else 0

    before = num_steps()

    def look() -> None:
        if not arrived and num_steps() > before:
            arrived.append(time.monotonic())

    done = watch(words, threads=threads, cache=cache, poll=look)
    if done.exit_code != 0:
        raise RuntimeError(f"dcgan train failed:\n{done.output}")
    return done, arrived[0] if arrived else done.started + done.seconds


def trained(case: Case, folder: Path, work: Path, *, precision: str, threads: int, images: int) -> dict[str, Any]:
    """Images a second of ``dcgan train`` on prepared images, the seconds before its first step, and its memory."""
    run, cache = RunFolder(work / "run"), work / "cache"
    if not cache.exists():
        words = command(case, folder, run.root, precision=precision, threads=threads, images=case.batch)
        train(words, run, threads=threads, cache=cache)
    shutil.rmtree(run.root, ignore_errors=True)
    words = command(case, folder, run.root, precision=precision, threads=threads, images=images)
    done, arrived = train(words, run, threads=threads, cache=cache)
    first = next(entry for entry in journal.read(run.journal) if entry["event"] == "step")
    return throughput(run) | {
        "start_seconds": round(arrived - done.started - first["seconds"], 2),
        "whole_seconds": round(done.seconds, 2),
        "memory_mb": round(done.memory_mb),
        "main_memory_mb": round(done.main_memory_mb),
    }


def config_of(case: Case, precision: str, device: str, step: str = "graph", **changes: Any) -> Config:
    """The case as a resolved config; ``changes`` of knobs are written with two underscores for the dot."""
    resolved = {
        "data.height": case.size,
        "data.width": case.size,
        "model.image_channels": case.channels,
        "model.num_classes": 0,
        "training.images": 10**12,
        "hardware.precision": precision,
        "hardware.device": device,
        "hardware.step": step if device.startswith("cuda") else "eager",
    }
    turned = {key.replace("__", "."): value for key, value in changes.items()}
    return recipe(case.recipe).asked(case.settings() | resolved | turned)


def loop(case: dict[str, Any], precision: str, seconds: float, threads: int) -> dict[str, Any]:
    """Images a second of the product's training loop on the processor, in this process, with images in memory."""
    keep_big_blocks()
    torch.set_num_threads(threads)
    shape = Case(**case)
    pixels = drawn_pixels(shape.size, shape.channels, NUM_DRAWN)
    with looping(shape, pixels, precision, "cpu") as step:
        return timed(step, seconds)


@contextmanager
def looping(
    case: Case, pixels: np.ndarray, precision: str, device: str, *, step: str = "graph"
) -> Iterator[Callable[[], int]]:
    """One step of the whole training loop at each call: making the inputs, the average and the sums included."""
    config, place = config_of(case, precision, device, step), torch.device(device)
    state = new_state(config, place)
    feed = feed_of(config, Batches(pixels, np.arange(len(pixels)), batch_size=case.batch, seed=0), place)
    advance = advance_of(state, rules_of(config, place), config.hardware.step)
    steps = train_steps(state, feed, advance, training=config.training)

    def take() -> int:
        next(steps)
        return case.batch

    try:
        yield take
    finally:
        feed.close()


@contextmanager
def stepping(
    case: Case, pixels: np.ndarray, precision: str, device: str, *, step: str = "graph", **changes: Any
) -> Iterator[Callable[[], int]]:
    """One step alone at each call, always of the same inputs, which are on the device."""
    _, advance = single_steps(case, pixels, precision, device, step=step, **changes)

    def take() -> int:
        advance()
        return case.batch

    yield take


def single_steps(
    case: Case, pixels: np.ndarray, precision: str, device: str, *, step: str = "graph", **changes: Any
) -> tuple[TrainingState, Callable[[], torch.Tensor]]:
    """A state, and what takes one step of it at each call."""
    config, place = config_of(case, precision, device, step, **changes), torch.device(device)
    state, rules = new_state(config, place), rules_of(config, place)
    if step == "compiled" and place.type == "cpu":  # whose compiler would take a minute: its tracer will do
        compile_networks(state, rules, backend="eager")
    advance = advance_of(state, rules, config.hardware.step)
    batch = torch.from_numpy(np.resize(pixels, (case.batch, *pixels.shape[1:]))).to(place).permute(0, 3, 1, 2)
    noise = latents(0, case.batch, config.model.latent_size, seed=0).to(place)
    draws = draws_of(0, case.batch, seed=0).to(place) if config.training.uses_draws else None
    inputs = Inputs(batch, noise, None, draws)
    rates = Rates(kept=0.999, augmentation=config.training.augmentation_strength)
    return state, partial(advance, inputs, rates)


def preparing(case: dict[str, Any], folder: str, threads: int) -> dict[str, Any]:
    """Images a second of preparing a folder that was never seen (the caller gives a new cache)."""
    torch.set_num_threads(threads)
    config = recipe(Case(**case).recipe).asked({
        "data.source": folder, "data.height": case["size"], "data.width": case["size"],
    })  # fmt: skip
    start = time.perf_counter()
    count = len(prepare(config.data).pixels)
    seconds = time.perf_counter() - start
    return {"images": count, "seconds": seconds, "images_per_second": count / seconds}


def sampling(run: str, seconds: float, threads: int) -> dict[str, Any]:
    """Images a second of drawing 64 seeds again and again with a loaded generator."""
    torch.set_num_threads(threads)
    generator = load_generator(Path(run))
    return timed(lambda: len(generator.sample(range(64))), seconds)


if __name__ == "__main__":
    answer({"loop": loop, "preparing": preparing, "sampling": sampling})
