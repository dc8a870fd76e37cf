"""How often does explore find bring an image back? Own samples of a run, and held-out and training images beside.

python -m benchmarks.quality.find RUN [--images 64] [--out FILE]

Seconds are those of the processor on one thread, for each image; the samples that searches start from are drawn once
for all, and their time is given apart.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import RESULTS, facts, sources, write_results
from dcgan.commands.exploring.images import pixels_of_rows, required, spread_rows
from dcgan.exploration.inversion import STARTS, STEPS, Search
from dcgan.exploration.points import draw, points_of_seeds
from dcgan.hardware import keep_big_blocks
from dcgan.runs.generator import load_generator
from dcgan.tensors import Pixels

NEAR = 30.0  # decibels: hard to tell from the target


def searched(search: Search, targets: Pixels) -> dict[str, Any]:
    """How near the search came to each target, and how long that took."""
    started = time.process_time()
    reached = search.find(targets)
    seconds = (time.process_time() - started) / len(targets)
    found = reached.decibels
    return {
        "images": len(targets),
        "median_decibels": round(float(found.median()), 2),
        "least_decibels": round(float(found.min()), 2),
        "share_above_30": float((found > NEAR).float().mean()),
        "seconds_an_image": round(seconds, 3),
        "decibels": [round(value, 2) for value in found.tolist()],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each kind of image, and write all numbers beside the results of the other benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--out", type=Path, default=RESULTS / "find.json")
    options = parser.parse_args(arguments)
    keep_big_blocks()
    torch.set_num_threads(1)
    generator = load_generator(options.run, None)
    dataset = required(generator, options.run)
    started = time.process_time()
    search = Search(generator)
    begun = time.process_time() - started
    parts = {"held out": dataset.held_out, "training": dataset.train}
    targets = {"own samples": draw(generator, points_of_seeds(generator, range(options.images)))}
    targets |= {name: pixels_of_rows(dataset, spread_rows(rows, options.images)) for name, rows in parts.items()}
    found = {}
    for name, pixels in targets.items():
        found[name] = searched(search, pixels)
        numbers = {key: value for key, value in found[name].items() if key != "decibels"}
        print(f"{name}: {', '.join(f'{key} {value}' for key, value in numbers.items())}", flush=True)
    config = generator.config
    settings = {"source": config.data.source, "size": config.data.height, "images_of_the_run": config.training.images}
    settings |= {
        "recipe": config.recipe,
        "steps": STEPS,
        "starts": STARTS,
        "seconds_of_drawing_starts": round(begun, 2),
    }
    write_results(options.out, {"machine": facts(1), "sources": sources(), "settings": settings, "found": found})


if __name__ == "__main__":
    main()
