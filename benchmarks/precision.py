"""Does bf16 learn as fp32 does? Mean losses after equal images, three seeds each, on the built-in creatures.

python benchmarks/precision.py [--images 20000]       about six minutes on two cores
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine import facts, sources, write_results

from dcgan.runs import journal

SEEDS = (0, 1, 2)
NUMBERS = ("discriminator_loss", "generator_loss", "real_score", "fake_score")


def losses(precision: str, seed: int, images: int, folder: Path) -> dict[str, float]:
    """Means of the second half of a run's journal."""
    out = folder / f"{precision}-{seed}"
    words = ["train", "critters", "--size", "32", "--budget", str(images), "--seed", str(seed), "--out", str(out)]
    command = [sys.executable, "-m", "dcgan", *words, "--threads", "1", "--precision", precision]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    steps = [entry for entry in journal.read(out / "journal.jsonl") if entry["event"] == "step"]
    late = [entry for entry in steps if entry["images_seen"] > images / 2]
    return {name: statistics.mean(entry[name] for entry in late) for name in NUMBERS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table and write the results beside those of the other benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "precision.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = {
            precision: [losses(precision, seed, options.images, Path(folder)) for seed in SEEDS]
            for precision in ("fp32", "bf16")
        }
    for name in NUMBERS:
        rows = {precision: [run[name] for run in runs] for precision, runs in found.items()}
        words = [
            f"{precision} {statistics.mean(row):.3f} ± {statistics.stdev(row):.3f}" for precision, row in rows.items()
        ]
        print(f"{name:>20}: {', '.join(words)}")
    settings = {"images": options.images, "seeds": SEEDS}
    write_results(options.out, {"machine": facts(1), "sources": sources(), "settings": settings, "runs": found})


if __name__ == "__main__":
    main()
