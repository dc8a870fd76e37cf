"""Kill, starve and cut off runs by the thousand, and write down what went wrong: nothing, if promises are kept.

    make torture                      everything, two stages side by side; started again it goes on where it stopped
    python -m benchmarks.torture.run kills mutations      some of it

What is done is in benchmarks/results/torture.json after every trial; other code or another machine begins anew.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import HERE, RESULTS, ROOT, facts, read_results, sources, write_results
from benchmarks.torture.stages import ALONE, STAGES, Work

TESTS = ROOT / "tests"


def main() -> int:
    """Do what is not done yet; the exit code is 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="of the names of stages; none: all")
    parser.add_argument("--jobs", type=int, default=1, help="stages side by side")
    parser.add_argument("--share", type=float, default=1.0, help="of the trials, for a rehearsal")
    parser.add_argument("--out", type=Path, default=RESULTS / "torture.json")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    measured = {**facts(1), "share": asked.share, "code": code()}
    results = read_results(asked.out)
    if results.get("measured") != measured:
        results = {"measured": measured, "stages": {}}
    results |= {key: sources()[key] for key in ("commit", "clean")}
    chosen = [name for name in STAGES if not asked.words or any(word in name for word in asked.words)]
    todo = [name for name in chosen if not results["stages"].get(name, {}).get("done")]
    failed = Queue(results, asked.out, asked.share).run(todo, asked.jobs)
    for name in chosen:
        report = results["stages"].get(name, {"wrong": ["nothing is known of it"]})
        told = ", ".join(f"{key} {value:.4g}" for key, value in report.items() if type(value) in (int, float))
        print(f"{name}: {told}, wrong: {report['wrong'] or 'nothing'}{' (ended early)' if name in failed else ''}")
    return int(bool(failed) or any(results["stages"][name]["wrong"] for name in chosen))


def code() -> str:
    """A hash of what is tried and of what tries it."""
    digest = hashlib.sha256()
    own = [*(HERE / "torture").glob("*.py"), HERE / "machine.py", TESTS / "commands" / "test_train.py"]
    for path in sorted(
        [*(ROOT / "src").rglob("*.py"), *(TESTS / "crash").glob("*.py"), *(TESTS / "runs").glob("*.py"), *own]
    ):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


class Queue:
    """Stages in processes of their own, and the one writer of what they report."""

    def __init__(self, results: dict[str, Any], path: Path, share: float) -> None:
        self.results, self.path, self.share = results, path, share
        self._running: dict[Connection, tuple[str, BaseProcess]] = {}

    def run(self, names: list[str], jobs: int) -> list[str]:
        """Work on so many at a time, in this order; those that ended before they were done."""
        waiting, failed = list(names), []
        while waiting or self._running:
            while waiting and self._has_room(waiting[0], jobs):
                self._start(waiting.pop(0))
            for connection in wait(list(self._running)):
                assert isinstance(connection, Connection)
                name, process = self._running[connection]
                try:
                    self.results["stages"][name] = connection.recv()
                    write_results(self.path, self.results)
                except EOFError:
                    del self._running[connection]
                    process.join()
                    print(f"{name}: {'done' if process.exitcode == 0 else 'ENDED EARLY'}", flush=True)
                    failed += [name] if process.exitcode else []
        return failed

    def _has_room(self, name: str, jobs: int) -> bool:
        running = [other for other, _ in self._running.values()]
        return not running or (len(running) < jobs and name not in ALONE and not set(running) & set(ALONE))

    def _start(self, name: str) -> None:
        report = self.results["stages"].get(name, {"wrong": [], "stage_seconds": 0.0})
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=work_on, args=(name, report, there, self.share), daemon=True
        )
        process.start()
        there.close()
        self._running[here] = (name, process)


def work_on(name: str, report: dict[str, Any], connection: Connection, share: float) -> None:
    """In a process of its own: one stage, from where its report says that it stopped."""
    torch.set_num_threads(1)
    started, before = time.monotonic(), report["stage_seconds"]

    def save() -> None:
        report["stage_seconds"] = round(before + time.monotonic() - started, 1)
        connection.send(report)

    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        os.environ["DCGAN_CACHE"] = str(Path(folder) / "cache")
        STAGES[name](Work(report, save, Path(folder), share))
    report["done"] = True
    save()


if __name__ == "__main__":
    sys.exit(main())
