"""What do a generator's statistics leave to chance? Estimate those of a run again and again, from other latents.

python -m benchmarks.quality.batch_statistics RUN … [--draws 4] [--samples 4000]

RUN: any with an average; nothing in it is changed

For each run: the mean brightness of its samples and their Fréchet distances to the images held out, with the running
statistics of training, with those of 16 and 64 batches of random latents, and with those of as many balanced ones.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import RESULTS, facts, sources, write_results
from dcgan.commands.subject import FIRST_SEED
from dcgan.data.prepare import prepare
from dcgan.evaluation.detectors.by_name import detector, protocol
from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measures.distances import frechet_distance
from dcgan.evaluation.reals import features_of
from dcgan.hardware import keep_big_blocks
from dcgan.randomness import Prior, balanced_latents, latents
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator, load_generator
from dcgan.tensors import Latents, Pixels

DETECTORS = ("tiny", "second")
NUM_BATCHES = (16, 64)

Draw = Callable[[int, int, int, Prior], Latents]
"""How many latents, of which size, the seed, and how each is drawn."""


def random(count: int, size: int, seed: int, prior: Prior) -> Latents:
    """One after the other."""
    return latents(0, count, size, seed=seed, stream="statistics", prior=prior)


def balanced(count: int, size: int, seed: int, prior: Prior) -> Latents:
    """As sampling has them."""
    return balanced_latents(count, size, seed=seed, stream="statistics", prior=prior)


def running(path: Path) -> TrainedGenerator:
    """The average of a run, with its running statistics."""
    found = checkpoint.newest(RunFolder(path))
    tensors = {} if found is None else found.tensors
    average = {name.removeprefix("average."): held for name, held in tensors.items() if name.startswith("average.")}
    if not average:
        raise SystemExit(f"{path}: no run with an average. Train one to begin with.")
    trained = load_generator(path)
    trained.generator.load_state_dict(average)
    return trained


def estimated(trained: TrainedGenerator, draw: Draw, num_batches: int, seed: int) -> TrainedGenerator:
    """The same generator with statistics of latents that are drawn so."""
    count, model = num_batches * trained.config.training.batch_size, trained.config.model
    return trained.normalised_by(draw(count, model.latent_size, seed, model.prior), num_batches)


def ways(trained: TrainedGenerator, draws: int) -> Iterator[tuple[str, list[Callable[[], TrainedGenerator]]]]:
    """Each way to come by statistics, as often as chance has a part in it."""
    yield "running", [lambda: trained]
    for num_batches in NUM_BATCHES:
        for draw in (random, balanced):
            seeds = range(draws)
            tries = [lambda seed=seed: estimated(trained, draw, num_batches, seed) for seed in seeds]  # noqa: B023
            yield f"{num_batches} batches, {draw.__name__}", tries


def measures(path: Path, draws: int, samples: int) -> dict[str, dict[str, list[float]]]:
    """Brightness (of 255) and distances, in the order of the draws."""
    trained = running(path)
    dataset = prepare(trained.config.data)
    held_out = dataset.held_out if len(dataset.held_out) else dataset.train
    channels = dataset.pixels.shape[-1]
    eyes = {name: detector(protocol(name, channels, trained.dtype)) for name in DETECTORS}
    reals = {name: FeatureStats.of(features_of(held_out, dataset, each)) for name, each in eyes.items()}

    def measured(pixels: Pixels) -> list[float]:
        distances = [frechet_distance(FeatureStats.of(eyes[name](pixels)), reals[name]) for name in DETECTORS]
        return [float(pixels.float().mean()), *distances]

    rows = {"real": {"brightness": [float(np.mean(dataset.pixels[dataset.train]))]}}
    for name, tries in ways(trained, draws):
        seeds = range(FIRST_SEED, FIRST_SEED + samples)
        found = zip(*(measured(make().sample(seeds)) for make in tries), strict=True)
        rows[name] = dict(zip(("brightness", *DETECTORS), map(list, found), strict=True))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each run, and write all beside the results of the other benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=RESULTS / "batch-statistics.json")
    options = parser.parse_args(arguments)
    keep_big_blocks()
    found = {}
    for path in options.runs:
        found[path.name] = measures(path, options.draws, options.samples)
        print(f"{path.name}:")
        for name, row in found[path.name].items():
            words = (f"{key} {statistics.median(v):.4g} ({min(v):.4g} … {max(v):.4g})" for key, v in row.items())
            print(f"  {name}: " + ", ".join(words))
    settings = {"draws": options.draws, "samples": options.samples}
    machine = facts(torch.get_num_threads())
    write_results(options.out, {"machine": machine, "sources": sources(), "settings": settings, "runs": found})


if __name__ == "__main__":
    main()
