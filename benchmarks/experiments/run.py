"""Do what is missing of the experiments in experiments.toml, and say what they came to.

python -m benchmarks.experiments.run [NAME or GROUP …] [--jobs 2] [--threads 1] [--together] [--out experiments]

Four folders in benchmarks/results/experiments keep what was made: results/, a file for each run, named by a hash of its
settings and images; plans/; speeds/, which turned minutes into images; indexes/, which results an experiment has.
Whoever calls this later goes on from there. The runs themselves and a page for each experiment go to --out.
Real data is read from the folder that DCGAN_TEST_DATA names.
"""

import argparse
import json
import os
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import torch

from benchmarks.experiments.declared import RESULTS, Declared, Experiment, data_folder, placed, read
from benchmarks.experiments.together import run_together
from benchmarks.machine import sources
from dcgan.commands.compare import Comparison, describe, plan
from dcgan.commands.comparing.results import Procedure
from dcgan.commands.comparing.trials import Outcome
from dcgan.files import write_atomically
from dcgan.hardware import keep_big_blocks
from dcgan.interfaces.console import Display, choose_display
from dcgan.interfaces.signals import Stop
from dcgan.runs.comparison import ComparisonFolder


def chosen(declared: Declared, words: Sequence[str]) -> list[Experiment]:
    """The experiments of these names and groups; all without any."""
    known = {experiment.name for experiment in declared.experiments} | {one.group for one in declared.experiments}
    if unknown := set(words) - known:
        raise SystemExit(
            f"{', '.join(sorted(unknown))}: no such experiment or group. Known: {', '.join(sorted(known))}."
        )
    return [one for one in declared.experiments if not words or one.name in words or one.group in words]


def needs_data(declared: Declared, experiment: Experiment) -> bool:
    """Whether it is about images that are not drawn by the program itself."""
    return declared.data[experiment.data]["source"] != "critters"


def needs_cuda(experiment: Experiment) -> bool:
    """Whether it asks for a GPU, whose speed would otherwise not be told from the processor's."""
    return (experiment.changes or {}).get("hardware.device") == "cuda"


def begin(declared: Declared, experiment: Experiment, options: argparse.Namespace, display: Display) -> Comparison:
    """Its runs, planned: what was decided by an earlier call is as it was then."""
    folder = ComparisonFolder(options.out / experiment.name, kept=options.results)
    root = data_folder()
    variants = declared.variants_of(experiment, root)
    seeds = min(experiment.seeds, options.seeds or experiment.seeds)
    columns = plan(folder, variants, display, repeats=seeds, threads=options.threads)
    reference = None if experiment.reference is None else placed(experiment.reference, root)
    protocol = Procedure(experiment.detectors, experiment.samples, reference)
    facts = f"{experiment.data}, {seeds} seeds, {experiment.budget} each, threads: {options.threads}."
    return Comparison(columns, folder, protocol, title=experiment.name, facts=facts)


def index(comparison: Comparison) -> dict[str, list[str]]:
    """Which results are its own: the keys of each variant, by seed."""
    return {column.name: [trial.key for trial in column.trials] for column in comparison.columns}


def queue(comparison: Comparison, options: argparse.Namespace) -> Generator[Outcome | None]:
    """What is missing is done, in a process for each run or in this one."""
    if options.together:
        return run_together(comparison.folder, comparison.trials(), comparison.protocol)
    return comparison.outcomes(options.jobs)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when some run has no result, that of the signal when one came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME or GROUP")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seeds", type=int, help="so many of each at most, for now")
    parser.add_argument("--together", action="store_true", help="all in this process: for runs of seconds")
    parser.add_argument("--out", type=Path, default=Path("experiments"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    os.environ.setdefault("DCGAN_COMMIT", sources()["commit"])
    if root := data_folder():
        os.environ.setdefault("DCGAN_DATASETS", str(root))  # where the names of the catalog are looked for
    declared, troubles = read(), 0
    keep_big_blocks()
    with choose_display() as display, Stop() as stop:
        for experiment in chosen(declared, options.names):
            if needs_data(declared, experiment) and data_folder() is None:
                display.say(f"{experiment.name}: skipped. DCGAN_TEST_DATA names no folder of real data sets.")
                continue
            if needs_cuda(experiment) and not torch.cuda.is_available():
                display.say(f"{experiment.name}: skipped. It needs a CUDA device, and there is none.")
                continue
            display.say(f"{experiment.name}:")
            comparison = begin(declared, experiment, options, display)
            kept = json.dumps(index(comparison), indent=1) + "\n"
            write_atomically(options.results / "indexes" / f"{experiment.name}.json", kept.encode())
            outcomes = queue(comparison, options)
            for outcome in outcomes:
                if outcome is not None:
                    display.say("  " + describe(outcome))
                if stop.asked:
                    outcomes.close()
                    return int(stop.asked)
            troubles += len(comparison.troubles)
    return int(troubles > 0)


if __name__ == "__main__":
    sys.exit(main())
