"""What do the discriminators of the recipes know? explore probe on each, after equal processor time.

DCGAN_TEST_DATA=FOLDER python -m benchmarks.quality.probe [--seconds 90] [--seeds 3] [--runs FOLDER] [--data NAME …]

The recipes learn from the images of Fashion-MNIST without their classes, one process of one thread after the other,
for as many images as take so many processor seconds; processor time is what a busy machine leaves alone. The images
of MNIST, which no discriminator has seen, are the second test. A call that was stopped goes on where it was.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dcgan
from benchmarks.machine import RESULTS, facts, read_results, sources, write_results

RECIPES = {
    "d2l": ["--recipe", "d2l"],
    "radford2015": ["--recipe", "radford2015", "--width", "64"],
    "modern": ["--recipe", "modern"],
}
TRAINED_ON = "fashion-mnist"
FORM = ["--size", "32", "--threads", "1", "--set", "data.labels=false", "--set", "runs.evaluations=0"]
FORM += ["--precision", "fp32"]
FEW, MORE = 1024, 3072  # images of the two runs whose difference is the speed: whole batches of every recipe


def processor_seconds(words: Sequence[str]) -> float:
    """Processor time of one ``dcgan`` with all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", "dcgan", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"dcgan {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def speed(recipe: str, source: Path) -> float:
    """Images for each second of processor time, beyond what a start takes."""
    taken = {}
    for images in (256, FEW, MORE):  # the first one prepares the images
        with tempfile.TemporaryDirectory() as folder:
            words = ["train", str(source), *RECIPES[recipe], *FORM, "--budget", str(images), "--out", f"{folder}/run"]
            taken[images] = processor_seconds(words)
    return (MORE - FEW) / (taken[MORE] - taken[FEW])


def trained(recipe: str, seed: int, images: int, source: Path, folder: Path) -> dict[str, Any]:
    """One run, unless it is there: what it took."""
    run = folder / f"{recipe}-{seed}"
    words = ["train", str(source), *RECIPES[recipe], *FORM]
    seconds = processor_seconds([*words, "--budget", str(images), "--seed", str(seed), "--out", str(run)])
    return {"images": images, "processor_seconds": round(seconds, 1)}


def probed(run: Path, source: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What explore probe found, without the latents and words."""
    name = f"probe-{source.name}.png"
    beside = "random,pixels,tiny" if run.name.endswith("-0") else ""  # of the others it is the same
    asked = {"data": source, "draws": options.draws, "samples": options.samples, "beside": beside}
    return dcgan.explore.probe(run, **asked, out=run / "explore" / name).found


def main(arguments: Sequence[str] | None = None) -> None:
    """Speeds, then runs, then probes; each is written as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--data", nargs="*", default=[TRAINED_ON, "mnist"])
    parser.add_argument("--runs", type=Path, default=Path("probe-runs"))
    parser.add_argument("--out", type=Path, default=RESULTS / "probe.json")
    parser.add_argument("--train-only", action="store_true")
    options = parser.parse_args(arguments)
    root = Path(os.environ["DCGAN_TEST_DATA"])
    os.environ["OMP_NUM_THREADS"] = "1"
    results = read_results(options.out) or {"settings": {"seconds": options.seconds}, "speeds": {}, "runs": {}}
    results |= {"machine": facts(1), "sources": sources()}
    for recipe in RECIPES:
        if recipe not in results["speeds"]:
            results["speeds"][recipe] = speed(recipe, root / TRAINED_ON)
            print(f"{recipe}: {results['speeds'][recipe]:.0f} images a processor second", flush=True)
            write_results(options.out, results)
    for seed in range(options.seeds):
        for recipe in RECIPES:
            if f"{recipe}-{seed}" not in results["runs"]:
                images = round(results["speeds"][recipe] * options.seconds)
                results["runs"][f"{recipe}-{seed}"] = trained(recipe, seed, images, root / TRAINED_ON, options.runs)
                print(f"{recipe}-{seed}: {results['runs'][f'{recipe}-{seed}']}", flush=True)
                write_results(options.out, results)
    for name, entry in results["runs"].items():
        for data in () if options.train_only else options.data:
            if data not in entry.setdefault("probes", {}):
                entry["probes"][data] = probed(options.runs / name, root / data, options)
                print(f"{name}, {data}: {entry['probes'][data]['accuracy']}", flush=True)
                write_results(options.out, results)


if __name__ == "__main__":
    main()
