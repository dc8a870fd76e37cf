"""Is ``dcgan train`` fast? Images a second beside a loop as the chapter writes it, a tuned one, and what is possible.

    python -m benchmarks.speed.train_speed                    both cases of the claim, 5 rounds: half an hour on 2 cores
    python -m benchmarks.speed.train_speed --case chapter --rounds 3 --seconds 20
    python -m benchmarks.speed.train_speed --case growth         how cost grows with batch, width and size
    python -m benchmarks.speed.train_speed --case around         start-up, preparing, sampling

Every measurement has a process of its own; rounds alternate between the systems, every other one backwards. Results
go to benchmarks/results/train-speed-<machine>.json after each measurement, and what is there for the same machine,
code and settings is not measured again: stop it whenever you like. Leave the machine alone meanwhile.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import (
    RESULTS,
    ask,
    brief,
    entry_of,
    facts,
    read_results,
    run_rounds,
    slug,
    sources,
    spread,
    write_results,
)
from benchmarks.speed.cases import (
    CASES,
    CHAPTER_PASSES,
    NUM_PICTURES,
    Case,
    operations_per_image,
    to_words,
    write_pictures,
)
from benchmarks.speed.growth import growth_systems
from benchmarks.speed.product import trained
from benchmarks.speed.starts import around_systems, beyond_torch
from dcgan.limits import available_threads
from dcgan.training.accelerate import can_use_bf16

CLAIM = ("chapter", "small")
JOURNAL_IMAGES = 1024  # between two lines of a run's journal
SCHEMA = 1


def main() -> None:
    """Measure the cases, one after the other."""
    arguments = parse()
    torch.set_num_threads(1)  # this process only waits
    machine = facts(arguments.threads)
    path = arguments.out or RESULTS / f"train-speed-{slug(machine)}.json"
    settings = {"seconds": arguments.seconds, "pictures": arguments.pictures, "schema": SCHEMA}
    measured = {"machine": machine, "sources": sources(), "settings": settings}
    print(f"{machine['processor']}, {machine['threads']} threads, torch {machine['torch']} → {path}")
    if measured["sources"]["clean"] is False:
        print("The tree is not as committed: the results will say so.")
    results = read_results(path)
    for name in arguments.case or CLAIM:
        entry = entry_of(results, name, measured)
        with tempfile.TemporaryDirectory(prefix="dcgan-speed-") as temporary:
            run_case(name, entry, Path(temporary), arguments, partial(write_results, path, results))
        for line in told(entry["summary"]):
            print(line)


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*CASES, "growth", "around"]
    parser.add_argument("--case", action="append", choices=names, help="may be repeated (default: chapter and small)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement, after warming up")
    parser.add_argument("--threads", type=int, default=available_threads())
    parser.add_argument("--pictures", type=int, default=NUM_PICTURES, help="image files to train on")
    parser.add_argument("--out", type=Path, help="another results file")
    return parser.parse_args()


def run_case(
    name: str, entry: dict[str, Any], work: Path, arguments: argparse.Namespace, save: Callable[[], None]
) -> None:
    """Measure one case to its end, and sum it up after every measurement."""
    if name == "growth":
        systems, summary = growth_systems(arguments.seconds, arguments.threads), summarize
    elif name == "around":
        pictures = write_pictures(CASES["chapter"], work / "pictures", arguments.pictures)
        systems, summary = around_systems(pictures, work, arguments.seconds, arguments.threads), summarize_around
    else:
        case = CASES[name]
        entry["case"] = to_words(case)
        pictures = write_pictures(case, work / "pictures", arguments.pictures)
        systems = claim_systems(case, entry, pictures, work, seconds=arguments.seconds, threads=arguments.threads)
        summary = partial(summarize_claim, case)

    def keep() -> None:
        entry["summary"] = summary(entry["rounds"])
        save()

    run_rounds(entry, arguments.rounds, systems, keep)
    keep()


def claim_systems(
    case: Case, entry: dict[str, Any], pictures: Path, work: Path, *, seconds: float, threads: int
) -> dict[str, Callable[[], dict[str, Any]]]:
    """The loop of the chapter, the tuned one, the product and the limits: each a function that measures it once."""
    question = {"case": to_words(case), "folder": str(pictures), "seconds": seconds}
    systems: dict[str, Callable[[], dict[str, Any]]] = {
        what: partial(ask, "benchmarks.speed.plain_loops", {"what": what, **question}, threads=threads)
        for what in ("chapter", "plain")
    }
    precisions = ("fp32", "bf16") if can_use_bf16(torch.device("cpu")) else ("fp32",)

    def product(precision: str) -> dict[str, Any]:
        images = images_of_run(entry["rounds"], seconds)
        return trained(case, pictures, work, precision=precision, threads=threads, images=images)

    for precision in precisions:
        systems[f"dcgan-{precision}"] = partial(product, precision)
    for precision in precisions:
        what = {"what": "limits", "case": to_words(case), "precision": precision}
        systems[f"limits-{precision}"] = partial(ask, "benchmarks.speed.limits", what, threads=threads)
    return systems


def images_of_run(rounds: list[dict[str, Any]], seconds: float) -> int:
    """How long the product trains: the same in every round, about ``seconds`` at the tuned loop's first speed."""
    lines = int(rounds[0]["plain"]["images_per_second"] * seconds / JOURNAL_IMAGES + 0.5)
    return JOURNAL_IMAGES * (1 + max(2, lines))


def summarize(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of every number of every system over the rounds."""
    names = list(dict.fromkeys(name for done in rounds for name in done))
    medians = {name: _medians([done[name] for done in rounds if name in done]) for name in names}
    return {"rounds": sum(len(done) == len(names) for done in rounds), "medians": medians}


def _medians(results: list[dict[str, Any]]) -> dict[str, float]:
    numbers = [key for key, value in results[0].items() if isinstance(value, int | float)]
    return {key: statistics.median(result[key] for result in results) for key in numbers}


def summarize_claim(case: Case, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians, and of every round's ratios the median, the least and the largest."""
    ratios: dict[str, list[float]] = {}
    for done in rounds:
        for name, value in ratios_of(done).items():
            ratios.setdefault(name, []).append(value)
    operations = {
        "needed_per_image": operations_per_image(case),
        "of_the_chapters_loop_per_image": operations_per_image(case, CHAPTER_PASSES),
    }
    spreads = {name: spread(values) for name, values in ratios.items()}
    return summarize(rounds) | {"ratios": spreads, "operations": operations}


def summarize_around(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians, and what the starts take beyond what any program that uses torch does."""
    return summarize(rounds) | {"beyond_torch": beyond_torch(rounds)}


def ratios_of(done: dict[str, Any]) -> dict[str, float]:
    """The product against the two loops (times as fast, share of the memory), and its shares of both limits."""
    ratios = {}
    for precision in ("fp32", "bf16"):
        ours, limit = done.get(f"dcgan-{precision}"), done.get(f"limits-{precision}")
        for other in ("chapter", "plain"):
            if ours and other in done:
                for number in ("images_per_second", "memory_mb"):
                    ratios[f"{number}: dcgan-{precision} / {other}"] = ours[number] / done[other][number]
        if ours and limit:
            for kind in ("matrix", "convolution"):
                share = ours["images_per_second"] / limit[f"{kind}_images_per_second"]
                ratios[f"share of the {kind} limit: {precision}"] = share
    return ratios


def told(summary: dict[str, Any]) -> list[str]:
    """The summary in lines."""
    lines = [f"{name:>24}: {brief(numbers)}" for name, numbers in summary["medians"].items()]
    for name, many in (summary.get("ratios", {}) | summary.get("beyond_torch", {})).items():
        lines.append(f"{name:>50}: {many['median']:.3f} ({many['least']:.3f} to {many['largest']:.3f})")
    return lines


if __name__ == "__main__":
    main()
