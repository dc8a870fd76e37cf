"""Does a discriminator with a bias in its first layer give a run its contrast back? Continue one with it, and without.

python -m benchmarks.quality.contrast RUN [--images 50000]      RUN: any without a bias; nothing in it is changed

The bias begins at zero, so that both go on from the very same function.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.machine import RESULTS, facts, sources, write_results
from dcgan.data.batches import Batches
from dcgan.data.dataset import Dataset
from dcgan.data.prepare import prepare
from dcgan.hardware import keep_big_blocks
from dcgan.randomness import latents
from dcgan.runs import checkpoint
from dcgan.runs.config_file import saved_config
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config
from dcgan.training.loop import train_steps
from dcgan.training.setup import advance_of, feed_of, new_state, rules_of
from dcgan.training.state import TrainingState

SAMPLES = 256


def continued(config: Config, found: checkpoint.Checkpoint, dataset: Dataset, images: int) -> list[tuple[int, float]]:
    """Images seen and the spread of the generator's pixels, of 255, about five times."""
    state = new_state(config, torch.device("cpu"), blank=True)
    zeros = {name: torch.zeros_like(tensor) for name, tensor in state.tensors().items()}
    state.restore(zeros | dict(found.tensors), found.facts)
    first = state.images_seen
    config = config.asked({"training.images": first + images, "training.learning_rate_schedule": "constant"})
    batch_size, labels = config.training.batch_size, dataset.labels if config.data.labels else None
    batches = Batches(dataset.pixels, dataset.train, batch_size=batch_size, seed=config.seed, labels=labels)
    feed = feed_of(config, batches, torch.device("cpu"))
    advance = advance_of(state, rules_of(config, torch.device("cpu")), "eager")
    seen = [(first, spread(state, config))]
    for _ in train_steps(state, feed, advance, training=config.training):
        if state.images_seen - seen[-1][0] >= images / 5:
            seen.append((state.images_seen, spread(state, config)))
    feed.close()
    return seen


@torch.no_grad()
def spread(state: TrainingState, config: Config) -> float:
    """Standard deviation of all pixels of some images, as the discriminator gets them: normalised by their batch."""
    before = {name: tensor.clone() for name, tensor in state.generator.state_dict().items()}  # running statistics
    noise = latents(0, SAMPLES, config.model.latent_size, seed=0, stream="contrast", prior=config.model.prior)
    labels = torch.arange(SAMPLES) % config.model.num_classes if config.model.num_classes else None
    images = state.generator(noise, labels)
    state.generator.load_state_dict(before)
    return float(images.std()) * 127.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both courses, and write them beside the results of the other benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=RESULTS / "contrast.json")
    options = parser.parse_args(arguments)
    keep_big_blocks()
    run = RunFolder(options.run)
    config, found = saved_config(run), checkpoint.newest(run)
    if found is None or config.model.discriminator_bias:
        raise SystemExit(f"{options.run}: no run without a bias, with a checkpoint. Train one to begin with.")
    torch.set_num_threads(config.hardware.threads or 1)
    dataset = prepare(config.data).trained_on(config.data.labels)
    real = float(torch.from_numpy(dataset.pixels[dataset.train[:4096]]).float().std())
    print(f"real images: {real:.1f}")
    courses = {}
    for name, bias in (("as it was", False), ("with a bias", True)):
        changed = config.asked({"model.discriminator_bias": bias})
        courses[name] = continued(changed, found, dataset, options.images)
        print(f"{name}: " + ", ".join(f"{spread:.1f} at {seen:,}" for seen, spread in courses[name]))
    settings = {"images": options.images, "source": config.data.source, "recipe": config.recipe}
    rows = {"real": real, **courses}
    write_results(options.out, {"machine": facts(1), "sources": sources(), "settings": settings, "spread": rows})


if __name__ == "__main__":
    main()
