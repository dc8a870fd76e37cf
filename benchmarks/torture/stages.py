"""The stages of run.py: each goes on from what its report says is done, and saves it after every trial."""

import shutil
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.torture import continuations, errnos, fuzz, kills, leaks, power_trials, processes, strace_trials
from benchmarks.torture.fork_server import BUDGET, ForkServer
from benchmarks.torture.judge import FAULTS
from benchmarks.torture.mutations import MUTATIONS, survives
from benchmarks.torture.tiny_runs import write_source
from dcgan.commands.live.records import Records
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.interfaces.python import Silence
from dcgan.limits import affinity
from dcgan.training.accelerate import can_use_bf16
from dcgan.training.state import TrainingState

RANDOM_KILLS, CALL_KILLS, PROCESS_KILLS, TERMINATIONS, STATES = 485, 485, 30, 20, 5000
PROCESSES = 200  # that end alike, half with one thread
LONG_RUN = 20_000  # steps
TRAINED_SECONDS, MOST_COST, RISK_SECONDS = 200, 0.01, 60.0  # of the default run; saving; between two saves


@dataclass
class Work:
    """What a stage is given."""

    report: dict[str, Any]
    """What is done, JSON; ``wrong`` lists what went wrong."""
    save: Callable[[], object]
    folder: Path
    """Its own, and empty."""
    share: float = 1.0
    """Of the whole."""

    def of(self, count: int) -> int:
        """That share of a number of trials, one at least."""
        return max(1, round(self.share * count))

    def count(self, done: dict[str, Any], **more: int) -> None:
        """One trial is done."""
        self.report["runs"] = self.report.get("runs", 0) + 1
        for name, number in more.items():
            self.report[name] = self.report.get(name, 0) + number
        self.report["wrong"] += [f"seed {done['seed']}: {each}" for each in done["wrong"]]
        self.save()

    def close(self, **found: Any) -> None:
        """A stage without parts that are worth keeping is done."""
        self.report |= found
        self.save()


def random_kills(work: Work) -> None:
    """SIGKILL at random times."""
    _kills(work, RANDOM_KILLS, at_calls=False)


def call_kills(work: Work) -> None:
    """SIGKILL before every call that changes the disk, or in the middle of a write."""
    _kills(work, CALL_KILLS, at_calls=True)


def _kills(work: Work, wanted: int, *, at_calls: bool) -> None:
    with ForkServer(write_source(work.folder / "creatures.npy"), work.folder / "cache") as server:
        whole = kills.never_killed(server, work.folder)
        work.report["calls_of_a_run"] = whole.calls
        while work.report.setdefault("kills", 0) < work.of(wanted):
            number = work.report.setdefault("runs", 0)
            call = number % whole.calls + 1 if at_calls else None
            done = kills.killed(server, work.folder, whole, seed=number + 10**6 * at_calls, call=call)
            work.count(done, kills=done["kills"])


def stops(work: Work) -> None:
    """Stopped after each of its steps, and continued."""
    steps = BUDGET // 16
    with ForkServer(write_source(work.folder / "creatures.npy"), work.folder / "cache") as server:
        whole = kills.never_killed(server, work.folder)
        while (done := work.report.get("runs", 0)) < work.of(steps - 1):
            work.count(kills.stopped(server, work.folder, whole, step=done + 1))


def process_kills(work: Work) -> None:
    """SIGKILL for ``dcgan train`` with two threads."""
    _strikes(work, PROCESS_KILLS, signal.SIGKILL)


def terminations(work: Work) -> None:
    """SIGTERM for ``dcgan train`` with two threads; those count that it answered with exit code 143."""
    _strikes(work, TERMINATIONS, signal.SIGTERM)


def _strikes(work: Work, wanted: int, number: int) -> None:
    whole = processes.whole(work.folder)
    counted = "answered" if number == signal.SIGTERM else "kills"
    while work.report.setdefault(counted, 0) < work.of(wanted):
        done = processes.struck(work.folder, number, whole, seed=work.report.setdefault("runs", 0))
        if number == signal.SIGTERM:
            slowest = max([*done["answers"], work.report.get("slowest_answer_seconds", 0.0)])
            work.report["slowest_answer_seconds"] = round(slowest, 2)
        work.count(done, **{counted: len(done["answers"]) if number == signal.SIGTERM else done["kills"]})


def same_bits(work: Work) -> None:
    """Processes that go on from one checkpoint, and processes that start anew, by the hundred: all end alike."""
    ways = [(threads, precision) for precision in precisions() for threads in (1, 2)]
    for way in ways:
        name = "{} threads, {}".format(*way)
        folder = work.folder / name
        folder.mkdir()
        command = continuations.Command(folder, threads=way[0], precision=way[1])
        stopped = command.stopped()
        done = work.report.setdefault(name, 0)
        for number in range(done + 1, work.of(PROCESSES // len(ways)) + 1):
            trial = continuations.trial(command, stopped, number)
            work.report[name] = number
            work.count(trial, **{kind: trial[kind] for kind in ("started", "continued") if kind in trial})


def precisions() -> list[str]:
    """Those that this processor has units for."""
    return ["fp32", "bf16"] if can_use_bf16(torch.device("cpu")) else ["fp32"]


def power_loss(work: Work) -> None:
    """What the disk may hold after a loss of power at every call of a run."""
    recording = power_trials.record(write_source(work.folder / "creatures.npy"), work.folder / "parent")
    found = list(power_trials.states(recording, work.of(STATES), at_once=64))
    state = work.folder / "state"
    wrong = [fault for safe, left in found for fault in power_trials.faults(recording, safe, left, state)]
    work.close(states=len(found), calls_of_a_run=len(recording.calls), wrong=wrong)


def refused_calls(work: Work) -> None:
    """Every call of a save, refused with every error, once and for good."""
    count = errnos.num_calls(work.folder / "whole")
    every = [
        (call, code, for_good)
        for call in range(1, count + 1)
        for code in errnos.ERRNOS
        for for_good in (False, True)
    ]  # fmt: skip
    wrong, saved, chosen = [], 0, every[:: round(1 / work.share)]
    for call, code, for_good in chosen:
        done = errnos.refused(work.folder / "refused", call, code, for_good=for_good)
        shutil.rmtree(work.folder / "refused")
        wrong += [f"{done['call']} {done['errno']}: {each}" for each in done["wrong"]]
        saved += done["saved"]
    work.close(calls_of_a_save=count, errors=len(errnos.ERRNOS), trials=len(chosen), saved=saved, wrong=wrong)


def refused_system_calls(work: Work) -> None:
    """The same by strace, where it is installed and may attach."""
    if shutil.which("strace") is None:
        work.close(skipped="strace is not installed")
    else:
        work.close(**strace_trials.trials(work.folder, work.of(10**9) if work.share == 1 else 20))


def hostile_input(work: Work) -> None:
    """Damaged, forged and lying files of every kind, bit flips, truncations and pickles."""

    def done(suites: dict[str, Any]) -> None:
        wrong = [f"{name}: {fault}: {each}" for name in suites for fault in FAULTS for each in suites[name][fault]]
        work.close(suites=suites, wrong=wrong, **fuzz.total(suites))

    fuzz.run(work.share, 0, work.report.get("suites", {}), done)


def mutations(work: Work) -> None:
    """Deliberate bugs, each of which some test must catch."""
    caught = work.report.setdefault("caught", {})
    for mutation in MUTATIONS[: work.of(len(MUTATIONS))]:
        if mutation.name not in caught and mutation.name not in work.report["wrong"]:
            if by := survives(mutation, work.folder / "copy")["caught_by"]:
                caught[mutation.name] = by
            else:
                work.report["wrong"].append(mutation.name)
            work.close(mutations=len(caught) + len(work.report["wrong"]))


def long_run(work: Work) -> None:
    """Memory, open files and threads over 20,000 steps."""
    steps, source = work.of(LONG_RUN // 1000) * 1000, write_source(work.folder / "creatures.npy")
    rarely = {"runs__save_every_images": 2 * steps, "runs__journal_every_images": 1024}
    found = leaks.course(source, work.folder / "run", steps, **rarely)
    told = leaks.leaks(found, steps)
    work.close(steps=steps, course=found, **told | ({"wrong": []} if work.share < 1 else {}))  # too short to tell


def cost(work: Work) -> None:
    """Of saving in a default run on all processors: its first 200 seconds of training, as a share of them."""
    options = TrainOptions(
        source=str(write_source(work.folder / "creatures.npy")), out=str(work.folder / "run"),
        settings=(f"hardware.threads={affinity()}",),
    )  # fmt: skip
    saves: list[float] = []
    looks: list[float] = []
    ends: list[float] = []
    with Training(options, Silence()) as training, timed(Records, "save", saves, ends), timed(
        TrainingState, "first_broken", looks
    ):  # fmt: skip
        steps, started = training.steps(), time.monotonic()
        for _ in steps:
            if time.monotonic() - started > work.share * TRAINED_SECONDS:
                break
        seconds = time.monotonic() - started
        steps.close()
        size = sum(tensor.nbytes for tensor in training.session.state.tensors().values())
    share = (sum(saves) + sum(looks)) / seconds
    at_risk = max((late - early for early, late in zip([started, *ends], [*ends, started + seconds], strict=True)))
    wrong = [f"saving takes {share:.2%} of the time"] if share > MOST_COST else []
    wrong += [f"{at_risk:.0f} s without a save"] if at_risk > 1.1 * RISK_SECONDS else []
    work.close(
        seconds=seconds, saves=len(saves), typical_seconds=statistics.median(saves or [0.0]), looks=len(looks),
        share=share, most_seconds_at_risk=at_risk, megabytes=size / 1e6, wrong=wrong if work.share == 1 else [],
    )  # fmt: skip


@contextmanager
def timed(owner: type, name: str, seconds: list[float], ends: list[float] | None = None) -> Iterator[None]:
    """Note how long each call of a method takes, and when it ended."""
    method = getattr(owner, name)

    def call(*words: Any, **more: Any) -> Any:
        started = time.monotonic()
        try:
            return method(*words, **more)
        finally:
            seconds.append(time.monotonic() - started)
            if ends is not None:
                ends.append(time.monotonic())

    setattr(owner, name, call)
    try:
        yield
    finally:
        setattr(owner, name, method)


STAGES: dict[str, Callable[[Work], None]] = {  # the longest first
    "hostile input": hostile_input,
    "mutations": mutations,
    "random kills": random_kills,
    "long run": long_run,
    "kills at calls": call_kills,
    "loss of power": power_loss,
    "refused system calls": refused_system_calls,
    "stops at every step": stops,
    "refused calls": refused_calls,
    "kills of the real process": process_kills,
    "terminations of the real process": terminations,
    "same bits in every process": same_bits,
    "cost of saving": cost,
}
ALONE = (
    "kills of the real process",
    "terminations of the real process",
    "same bits in every process",
    "cost of saving",
)
"""On all processors."""
