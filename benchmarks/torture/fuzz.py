"""All suites of hostile input.

    python -m benchmarks.torture.fuzz --share 1 --out results.json      run again, it goes on

A suite is a function of (count, seed, what it had found already) → counts of cases, outcomes and faults.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.torture import fuzz_archives, fuzz_arrays, fuzz_checkpoints, fuzz_configs, fuzz_images, pickle_corpus
from benchmarks.torture.judge import FAULTS, MEGABYTES, SECONDS
from dcgan.hardware import describe

Suite = Callable[[int, int, dict[str, Any]], dict[str, Any]]
SUITES: dict[str, tuple[Suite, int]] = {  # and how many cases the whole of it has
    "images": (fuzz_images.run, 4_000),
    "archives": (fuzz_archives.run, 2_000),
    "arrays": (fuzz_arrays.run, 1_500),
    "checkpoints": (fuzz_checkpoints.run, 1_500),
    "configs": (fuzz_configs.run, 1_000),
    "bit flips": (fuzz_checkpoints.flips, 10_000),
    "truncations": (fuzz_checkpoints.truncations, len(fuzz_checkpoints.two_checkpoints()[1])),
    "pickles": (pickle_corpus.run, pickle_corpus.NUM_CASES),
}
BLOCK = 250  # cases between two results


def run(
    share: float,
    seed: int,
    already: dict[str, Any],
    done: Callable[[dict[str, Any]], object] = lambda _: None,
    only: Sequence[str] = (),
) -> dict[str, Any]:
    """This share of every suite, or of some, after what was found already; ``done`` is told after every block."""
    torch.set_num_threads(1)
    fuzz_checkpoints.good()  # made outside the cases, where nobody watches
    logging.disable(logging.CRITICAL)  # of tifffile, on files that are meant to be damaged
    results = dict(already)
    for name in only or SUITES:
        suite, whole = SUITES[name]
        wanted = max(1, round(share * whole))
        while (before := results.get(name, {}).get("cases", 0)) < wanted:
            started = time.monotonic()
            result = suite(min(wanted, before + BLOCK), seed, results.get(name, {}))
            result["seconds"] = round(result.get("seconds", 0.0) + time.monotonic() - started, 1)
            results[name] = result
            done(results)
    return results


def total(results: dict[str, Any]) -> dict[str, Any]:
    """One line over all suites, with the limits that they were held to."""
    faults = {fault: sum(len(result[fault]) for result in results.values()) for fault in FAULTS}
    return {
        "cases": sum(result["cases"] for result in results.values()),
        **faults,
        "slowest_seconds": max((result["slowest_seconds"] for result in results.values()), default=0.0),
        "most_megabytes": max((result["most_megabytes"] for result in results.values()), default=0.0),
        "limit_seconds": SECONDS,
        "limit_megabytes": MEGABYTES,
    }


def main() -> int:
    """Go on from the results on disk; exit code 1 when any case had a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of every suite's whole")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=SUITES, default=(), help="of the suites")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    already = json.loads(asked.out.read_bytes())["suites"] if asked.out.exists() else {}

    def write(results: dict[str, Any]) -> None:
        content = {"machine": describe(), "seed": asked.seed, "total": total(results), "suites": results}
        asked.out.write_text(json.dumps(content, indent=2) + "\n")

    results = run(asked.share, asked.seed, already, write, asked.only)
    print(json.dumps(total(results), indent=2))
    return int(any(results[name][fault] for name in results for fault in FAULTS))


if __name__ == "__main__":
    sys.exit(main())
