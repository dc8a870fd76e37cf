"""Kill, starve and cut off runs by the thousand, and write down what went wrong: nothing, if promises are kept.

    make torture                      everything, under an hour on two cores; started again it goes on where it stopped
    PYTHONPATH=tests/crash python benchmarks/torture.py kills mutations      some of it

What is done is in benchmarks/results/torture.json after every trial; other code or another machine begins anew.
"""

import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import errnos
import kills
import power_trials
import processes
import strace_trials
import torch
from fork_server import ForkServer
from machine import RESULTS, facts, read_results, sources, write_results
from mutations import MUTATIONS, survives
from tiny_runs import write_source

from dcgan.commands.options import TrainOptions
from dcgan.commands.python import Silence
from dcgan.commands.train import Training

RANDOM_KILLS, CALL_KILLS, PROCESS_KILLS, TERMINATIONS, STATES = 485, 485, 30, 20, 5000
INTERVAL_SECONDS = 60.0  # runs.save_every_seconds, by default

PATH = RESULTS / "torture.json"
Report = dict[str, Any]


def random_kills(report: Report, save: Callable[[], None], folder: Path) -> None:
    """SIGKILL at random times."""
    _kills(report, save, folder, RANDOM_KILLS, at_calls=False)


def call_kills(report: Report, save: Callable[[], None], folder: Path) -> None:
    """SIGKILL before every call that changes the disk, or in the middle of a write."""
    _kills(report, save, folder, CALL_KILLS, at_calls=True)


def _kills(report: Report, save: Callable[[], None], folder: Path, wanted: int, *, at_calls: bool) -> None:
    with ForkServer(write_source(folder / "creatures.npy"), folder / "cache") as server:
        whole = kills.never_killed(server, folder)
        report["calls_of_a_run"] = whole.calls
        while report.setdefault("kills", 0) < wanted:
            number = report.setdefault("runs", 0)
            call = number % whole.calls + 1 if at_calls else None
            done = kills.killed(server, folder, whole, seed=number + 10**6 * at_calls, call=call)
            _count(report, done, kills=done["kills"])
            save()


def process_kills(report: Report, save: Callable[[], None], folder: Path) -> None:
    """SIGKILL for ``dcgan train`` with two threads."""
    _strikes(report, save, folder, PROCESS_KILLS, signal.SIGKILL)


def terminations(report: Report, save: Callable[[], None], folder: Path) -> None:
    """SIGTERM for ``dcgan train`` with two threads; those count that it answered with exit code 143."""
    _strikes(report, save, folder, TERMINATIONS, signal.SIGTERM)


def _strikes(report: Report, save: Callable[[], None], folder: Path, wanted: int, number: int) -> None:
    whole, seconds = processes.whole(folder)
    counted = "answered" if number == signal.SIGTERM else "kills"
    while report.setdefault(counted, 0) < wanted:
        done = processes.struck(folder, number, whole, seconds, seed=report.setdefault("runs", 0))
        _count(report, done, **{counted: done[counted]})
        save()


def power_loss(report: Report, save: Callable[[], None], folder: Path) -> None:
    """What the disk may hold after a loss of power at every call of a run."""
    if report.get("states"):
        return
    recording = power_trials.record(write_source(folder / "creatures.npy"), folder / "parent")
    found = list(power_trials.states(recording, STATES, at_once=64))
    wrong = [fault for safe, state in found for fault in power_trials.faults(recording, safe, state, folder / "state")]
    report |= {"states": len(found), "calls_of_a_run": len(recording.calls), "wrong": wrong}
    save()


def refused_calls(report: Report, save: Callable[[], None], folder: Path) -> None:
    """Every call of a save, refused with every error, once and for good."""
    if report.get("trials"):
        return
    count, wrong, saved, trials = errnos.num_calls(folder / "whole"), [], 0, 0
    for call in range(1, count + 1):
        for code in errnos.ERRNOS:
            for for_good in (False, True):
                done = errnos.refused(folder / "refused", call, code, for_good=for_good)
                shutil.rmtree(folder / "refused")
                wrong += [f"{done['call']} {done['errno']}: {each}" for each in done["wrong"]]
                saved, trials = saved + done["saved"], trials + 1
    report |= {"calls_of_a_save": count, "errors": len(errnos.ERRNOS), "trials": trials, "saved": saved, "wrong": wrong}
    save()


def refused_system_calls(report: Report, save: Callable[[], None], folder: Path) -> None:
    """The same by strace, where it is installed and may attach."""
    if report.get("trials") or shutil.which("strace") is None:
        return
    report |= strace_trials.trials(folder, 10**9)
    save()


def mutations(report: Report, save: Callable[[], None], folder: Path) -> None:
    """Deliberate bugs, each of which some test must catch."""
    caught = report.setdefault("caught", {})
    report.setdefault("wrong", [])
    for mutation in MUTATIONS:
        if mutation.name not in caught and mutation.name not in report["wrong"]:
            if by := survives(mutation, folder / "copy")["caught_by"]:
                caught[mutation.name] = by
            else:
                report["wrong"].append(mutation.name)
            print(f"{mutation.name}: {by or 'SURVIVES'}", flush=True)
            save()


def cost(report: Report, save: Callable[[], None], folder: Path) -> None:
    """Of saving the default networks at the default interval, as a share of the time."""
    if report.get("seconds"):
        return
    options = TrainOptions(source="critters", out=str(folder / "run"), budget="640", limit=256, precision="fp32")
    with Training(options, Silence()) as training:
        steps = training.steps()
        next(steps)
        session, seconds = training.session, []
        for _ in range(10):
            next(steps)
            started = time.perf_counter()
            assert session.state.first_broken() is None
            session.save()
            seconds.append(time.perf_counter() - started)
        size = sum(tensor.nbytes for tensor in session.state.tensors().values())
        steps.close()
    typical = statistics.median(seconds)
    report |= {
        "seconds": typical, "slowest_seconds": max(seconds), "megabytes": size / 1e6,
        "share_at_default_interval": typical / INTERVAL_SECONDS, "wrong": [],
    }  # fmt: skip
    save()


def _count(report: Report, done: dict[str, Any], **more: int) -> None:
    report["runs"] = report.get("runs", 0) + 1
    for name, count in more.items():
        report[name] = report.get(name, 0) + count
    report.setdefault("wrong", []).extend(f"seed {done['seed']}: {each}" for each in done["wrong"])


STAGES = {
    "random kills": random_kills,
    "kills at calls": call_kills,
    "kills of the real process": process_kills,
    "terminations of the real process": terminations,
    "loss of power": power_loss,
    "refused calls": refused_calls,
    "refused system calls": refused_system_calls,
    "mutations": mutations,
    "cost of saving": cost,
}


def main() -> int:
    """Do what is not done yet."""
    torch.set_num_threads(1)
    measured = {**facts(torch.get_num_threads()), **sources()}
    results = read_results(PATH)
    if results.get("measured") != measured:
        results = {"measured": measured, "stages": {}}
    chosen = [name for name in STAGES if len(sys.argv) == 1 or any(word in name for word in sys.argv[1:])]
    for name in chosen:
        report = results["stages"].setdefault(name, {"wrong": [], "stage_seconds": 0.0})
        started, before = time.monotonic(), report["stage_seconds"]

        def save(report: Report = report, started: float = started, before: float = before) -> None:
            report["stage_seconds"] = round(before + time.monotonic() - started, 1)
            write_results(PATH, results)

        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            STAGES[name](report, save, Path(folder))
        told = {key: value for key, value in report.items() if isinstance(value, int | float)}
        print(f"{name}: {told}, wrong: {report['wrong'] or 'nothing'}", flush=True)
    return int(any(results["stages"][name]["wrong"] for name in chosen))


if __name__ == "__main__":
    sys.exit(main())
