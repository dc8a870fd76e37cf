"""Does bf16 learn as fp32 does? Mean losses and distances after equal images, three seeds each, on the creatures.

python -m benchmarks.quality.precision [--images 20000]       about ten minutes on two cores
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import RESULTS, facts, sources, write_results
from dcgan.runs import journal

SEEDS = (0, 1, 2)
LOSSES = ("discriminator_loss", "generator_loss", "real_score", "fake_score")
DISTANCES = ("fd_tiny", "fd_second")


def measured(precision: str, seed: int, images: int, samples: int, folder: Path) -> dict[str, float]:
    """Train a run, then judge it."""
    run = folder / f"{precision}-{seed}"
    words = ["critters", "--size", "32", "--budget", str(images), "--seed", str(seed), "--out", str(run)]
    dcgan("train", *words, "--threads", "1", "--precision", precision)
    return losses(run, images) | distances(run, samples)


def losses(run: Path, images: int) -> dict[str, float]:
    """Means of the second half of a run's journal."""
    steps = [entry for entry in journal.read(run / "journal.jsonl") if entry["event"] == "step"]
    late = [entry for entry in steps if entry["images_seen"] > images / 2]
    return {name: statistics.mean(entry[name] for entry in late) for name in LOSSES}


def distances(run: Path, samples: int) -> dict[str, float]:
    """Of the last weights, which have seen as many images as those of the other runs, to the held-out creatures."""
    said = dcgan("evaluate", str(run), "--samples", str(samples), "--checkpoint", "last", "--json")
    of_held_out = {one["name"]: one["value"] for one in json.loads(said) if one["protocol"]["split"] == "held out"}
    return {
        name: next(value for full, value in of_held_out.items() if full.startswith(f"{name}_")) for name in DISTANCES
    }


def dcgan(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "dcgan", *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table and write the results beside those of the other benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--samples", type=int, default=5_000, help="that each run is judged by")
    parser.add_argument("--out", type=Path, default=RESULTS / "precision.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            precision: [measured(precision, seed, options.images, options.samples, Path(folder)) for seed in SEEDS]
            for precision in ("fp32", "bf16")
        }
    for name in LOSSES + DISTANCES:
        rows = {precision: [run[name] for run in runs] for precision, runs in found.items()}
        words = [
            f"{precision} {statistics.mean(row):.3f} ± {statistics.stdev(row):.3f}" for precision, row in rows.items()
        ]
        print(f"{name:>20}: {', '.join(words)}")
    settings = {"images": options.images, "samples": options.samples, "seeds": SEEDS}
    write_results(options.out, {"machine": facts(1), "sources": sources(), "settings": settings, "runs": found})


if __name__ == "__main__":
    main()
