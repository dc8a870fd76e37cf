"""How fast is training beside other programs? Idle, and beside 1, 2 and 4 processes that never rest.

    python -m benchmarks.speed.busy                   about 40 minutes on two otherwise idle cores
    python -m benchmarks.speed.busy --self-test       a minute: does all of it work? Its numbers mean nothing

``dcgan`` waits as it does; ``dcgan-spinning`` as it did before it looked whether the machine is busy: the library's own
spinning, asked for by name; ``dcgan-asleep`` never spins; ``chapter`` and ``plain`` are the loops of plain_loops.py.
The systems alternate, every other round backwards. The fair share of a system beside n busy processes on c cores is
c / (c + n) of what it does on the idle machine, at most all of it.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS, ask, entry_of, facts, read_results, run_rounds, slug, sources, write_results
from benchmarks.speed.cases import CASES, Case, to_words, write_pictures
from benchmarks.speed.product import command, throughput
from dcgan.limits import available_threads
from dcgan.runs.folder import RunFolder

CROWDS = (0, 1, 2, 4)
WAITING: dict[str, dict[str, str]] = {
    "dcgan": {},
    "dcgan-spinning": {"GOMP_SPINCOUNT": "300000"},  # what libgomp does by itself
    "dcgan-asleep": {"OMP_WAIT_POLICY": "PASSIVE"},
}
LINES = 3  # of the journal, at least, that a speed is made of
PATIENCE_SECONDS = 600
POLL_SECONDS = 0.1


def main() -> int:
    """Measure what is not measured yet, sum up, write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--self-test", action="store_true", help="one short round beside one process, kept nowhere")
    asked = parser.parse_args()
    rounds, seconds = (1, 1.0) if asked.self_test else (asked.rounds, asked.seconds)
    threads, case = available_threads(), CASES["small"]
    measured = {"machine": facts(threads), "sources": sources(), "settings": {"seconds": seconds}}
    with tempfile.TemporaryDirectory(prefix="busy-") as folder:
        path = RESULTS / f"busy-{slug(facts(threads))}.json"
        if asked.self_test:
            path = Path(folder) / "busy.json"
        results = read_results(path)
        for crowd in (1,) if asked.self_test else CROWDS:
            entry = entry_of(results, f"beside {crowd}", measured)
            made = systems(case, Path(folder), crowd, seconds=seconds, threads=threads)
            run_rounds(entry, rounds, made, partial(write_results, path, results))
            entry["median"] = {
                name: statistics.median(done[name]["images_per_second"] for done in entry["rounds"]) for name in made
            }
            write_results(path, results)
        for line in summary(results, threads):
            print(line)
    return 0


def summary(results: dict[str, Any], threads: int) -> Iterator[str]:
    """One line a crowd: speeds, shares of the fair share, and how many times the chapter's loop."""
    idle = results.get("beside 0", {}).get("median", {})
    for name, entry in results.items():
        crowd, median = int(name.split()[-1]), entry["median"]
        words = []
        for system, speed in median.items():
            fair = idle.get(system, 0.0) * min(1.0, threads / (threads + crowd))
            share = f", {speed / fair:.2f} of the fair share" if fair else ""
            words.append(f"{system} {speed:.1f}/s ({speed / median['chapter']:.1f} times the chapter's loop{share})")
        yield f"{name} busy processes: " + "; ".join(words)


def systems(
    case: Case, folder: Path, crowd: int, *, seconds: float, threads: int
) -> dict[str, Callable[[], dict[str, Any]]]:
    """Each a function that measures one system once, beside so many busy processes."""
    pictures = folder / "pictures"
    if not pictures.exists():
        write_pictures(case, pictures, 512)
    question = {"case": to_words(case), "folder": str(pictures), "seconds": seconds}
    ours = {
        name: partial(trained, case, pictures, folder, variables, seconds=seconds, threads=threads)
        for name, variables in WAITING.items()
    }
    loops = {
        what: partial(ask, "benchmarks.speed.plain_loops", {"what": what, **question}, threads=threads)
        for what in ("chapter", "plain")
    }
    return {name: partial(beside, crowd, measure) for name, measure in (ours | loops).items()}


def beside(crowd: int, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is measured while so many processes use all the time that they get."""
    with busy(crowd):
        return measure()


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that count without an end, and are ended here."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def trained(
    case: Case, pictures: Path, folder: Path, variables: dict[str, str], *, seconds: float, threads: int
) -> dict[str, Any]:
    """The command line for so many seconds after its first line in the journal, then stopped."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        run = RunFolder(Path(out) / "run")
        rarely = {"runs.journal_every_images": case.batch, "runs.evaluations": 0}
        words = command(
            case, pictures, run.root, precision="fp32", threads=threads, images=100_000_000, **rarely
        )  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS",)}
        environment |= {"DCGAN_CACHE": str(folder / "cache"), **variables}
        process = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_lines(run, process, seconds)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        return throughput(run)


def wait_for_lines(run: RunFolder, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Until the journal has been written for so long, and has enough lines."""
    started, first = time.monotonic(), None
    while True:
        lines = num_steps(run)
        if lines and first is None:
            first = time.monotonic()
        if first is not None and lines >= LINES and time.monotonic() - first >= seconds:
            return
        if process.poll() is not None or time.monotonic() - started > PATIENCE_SECONDS:
            raise RuntimeError(f"dcgan train: {lines} lines in {time.monotonic() - started:.0f} s")
        time.sleep(POLL_SECONDS)


def num_steps(run: RunFolder) -> int:
    """Whole ``step`` lines in the journal."""
    if not run.journal.exists():
        return 0
    whole = run.journal.read_bytes().rpartition(b"\n")[0].splitlines()
    return sum(json.loads(line)["event"] == "step" for line in whole)


if __name__ == "__main__":
    sys.exit(main())
