"""The queue of a comparison: every run trained and measured in processes of its own, some side by side.

Whatever stops it, what is done is kept, and an interrupted run goes on from its checkpoint.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from dcgan.commands.comparing import results
from dcgan.commands.comparing.results import Procedure, Result
from dcgan.errors import ExitCode
from dcgan.evaluation.measurement import Measurement
from dcgan.files import write_atomically
from dcgan.reporting.story import read_story
from dcgan.runs.comparison import ComparisonFolder
from dcgan.runs.config_file import as_toml
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config

POLL_SECONDS = 0.2
PATIENCE_SECONDS = 60.0  # for a run to save itself when it is asked to stop


@dataclass(frozen=True)
class Trial:
    """One run that is wanted."""

    name: str
    """As the reader of the comparison knows it."""
    key: str
    config: Config
    run: RunFolder
    trained: bool = False
    """Whether it is to be taken as it is: somebody else's run."""
    data: str | None = None
    """Where the images that it was trained on are now; None: where its config says."""


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: a result, or the trouble that kept it from having one."""

    trial: Trial
    result: Result | None
    trouble: str = ""
    fresh: bool = True
    """Whether it was not there already."""


def run_trials(
    folder: ComparisonFolder, trials: Sequence[Trial], protocol: Procedure, *, jobs: int = 1
) -> Generator[Outcome | None]:
    """Each outcome when it is there, ``None`` a few times a second in between.

    Closing the generator asks the running processes to save themselves, and waits for them.
    """
    waiting = list(trials)
    running: list[_Job] = []
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                trial = waiting.pop(0)
                if kept := results.load_measured(folder.result(trial.key), protocol):
                    yield Outcome(trial, kept, fresh=False)
                else:
                    running.append(_Job(_work(folder, trial, protocol)))
            for job in list(running):
                if outcome := job.look():
                    running.remove(job)
                    yield outcome
            if running:
                yield None
                time.sleep(POLL_SECONDS)
    finally:
        for job in running:
            job.ask_to_stop()
        for job in running:
            job.close()


def training_command(folder: ComparisonFolder, trial: Trial) -> list[str]:
    """How a run is started, or goes on."""
    config, out = folder.config(trial.key), trial.run.root
    return [sys.executable, "-m", "dcgan", "train", "--config", str(config), "--out", str(out)]


def measuring_command(trial: Trial, protocol: Procedure) -> list[str]:
    """How a run is measured: prints its measurements as a JSON list."""
    words = [sys.executable, "-m", "dcgan", "evaluate", str(trial.run.root), "--json"]
    words += ["--samples", str(protocol.samples)]
    words += [word for detector in protocol.detectors for word in ("--detector", detector)]
    words += ["--data", trial.data] if trial.data else []
    return words + (["--reference", protocol.reference] if protocol.reference else [])


class Child:
    """A process of the queue. It has a session of its own, so that Ctrl-C reaches it once only: through us.

    A context manager: leaving it waits until the process has saved itself, and ends one that does not come to an end.
    """

    def __init__(self, command: list[str], threads: int) -> None:
        with ExitStack() as stack:
            self._output = stack.enter_context(tempfile.TemporaryFile())
            self._complaints = stack.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._complaints,
                env=os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONUTF8": "1"},
                start_new_session=True,
            )
            self._files = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ask_to_stop()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._files.close()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """All that it printed."""
        return _whole(self._output)

    def last_words(self) -> str:
        """Its last line for people: why it failed, when it did."""
        lines = [line for line in _whole(self._complaints).splitlines() if line.strip()]
        return lines[-1].removeprefix("dcgan: ") if lines else f"Ended without a word, exit code {self.exit_code}."

    def ask_to_stop(self) -> None:
        """As Ctrl-C would, if it still runs."""
        if self.exit_code is None:
            self._process.terminate()


class _Job:
    """A trial on its way."""

    def __init__(self, work: Generator[Child, None, Outcome]) -> None:
        self._work = work
        self._child: Child | None = None

    def look(self) -> Outcome | None:
        """Start what is next once nothing runs; what became of the trial, when nothing is left to do."""
        if self._child is not None and self._child.exit_code is None:
            return None
        try:
            self._child = next(self._work)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        return None

    def ask_to_stop(self) -> None:
        """And do not wait."""
        if self._child is not None:
            self._child.ask_to_stop()

    def close(self) -> None:
        """And wait."""
        self._work.close()


def _work(folder: ComparisonFolder, trial: Trial, protocol: Procedure) -> Generator[Child, None, Outcome]:
    """One process after the other, each yielded while it runs; then what became of the trial."""
    threads = trial.config.hardware.threads or 1
    failure: str | None = None
    measurements: tuple[Measurement, ...] = ()
    if not trial.trained:
        write_atomically(folder.config(trial.key), as_toml(trial.config).encode())
        with Child(training_command(folder, trial), threads) as child:
            yield child
            if child.exit_code == ExitCode.DIVERGED:
                failure = child.last_words().partition(";")[0]
            elif child.exit_code:
                return Outcome(trial, None, child.last_words())
    if protocol.samples and failure is None:
        with Child(measuring_command(trial, protocol), threads) as child:
            yield child
            if child.exit_code:
                return Outcome(trial, None, child.last_words())
            measurements = tuple(map(Measurement.from_json, json.loads(child.output())))
    story = read_story(trial.run)
    result = results.make_result(
        trial.key, trial.config, story, protocol=protocol, measurements=measurements, failure=failure
    )
    result = results.beside(result, results.load(folder.result(trial.key)))
    results.save(folder.result(trial.key), result)
    return Outcome(trial, result)


def _whole(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
