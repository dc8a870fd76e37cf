"""Trains and measures runs one after the other in this process.

Where a run takes seconds, starting two programs for it would take as long. The results are those of ``run_trials``,
which has a process for each run, so that none can end the others.
"""

from collections.abc import Generator, Sequence
from pathlib import Path

from dcgan.commands.comparing import results
from dcgan.commands.comparing.results import Procedure
from dcgan.commands.comparing.trials import Outcome, Trial
from dcgan.commands.evaluate import evaluate
from dcgan.commands.measuring_options import EvaluateOptions
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.errors import ExitCode, UserError
from dcgan.evaluation.measurement import Measurement
from dcgan.files import write_atomically
from dcgan.reporting.story import read_story
from dcgan.runs.comparison import ComparisonFolder
from dcgan.runs.config_file import as_toml


class _Nobody:
    """Silence."""

    def say(self, text: str) -> None: ...
    def prepare(self, done: int, total: int) -> None: ...
    def picture(self, path: Path) -> None: ...


def run_together(folder: ComparisonFolder, trials: Sequence[Trial], protocol: Procedure) -> Generator[Outcome | None]:
    """Each outcome when it is there, ``None`` after each step. Closing the generator saves the run on its way."""
    for trial in trials:
        if kept := results.load_measured(folder.result(trial.key), protocol):
            yield Outcome(trial, kept, fresh=False)
            continue
        try:
            failure = yield from _trained(folder, trial)
        except UserError as error:
            yield Outcome(trial, None, str(error))
            continue
        measured = _measured(trial, protocol) if failure is None else ()
        result = results.make_result(
            trial.key,
            trial.config,
            read_story(trial.run),
            protocol=protocol,
            measurements=measured,
            failure=failure,
        )
        results.save(folder.result(trial.key), result)
        yield Outcome(trial, result)


def _trained(folder: ComparisonFolder, trial: Trial) -> Generator[None, None, str | None]:
    """Train to the end of the budget; why it failed, if the weights were no longer finite."""
    config = folder.config(trial.key)
    write_atomically(config, as_toml(trial.config).encode())
    with Training(TrainOptions(config=str(config), out=str(trial.run.root)), _Nobody()) as training:
        steps = training.steps()
        try:
            for _ in steps:
                yield None
        except UserError as error:
            if error.exit_code != ExitCode.DIVERGED:
                raise
            return str(error).partition(";")[0]
        finally:
            steps.close()
    return None


def _measured(trial: Trial, protocol: Procedure) -> tuple[Measurement, ...]:
    wanted = EvaluateOptions(
        target=str(trial.run.root),
        samples=protocol.samples,
        detectors=protocol.detectors,
        reference=protocol.reference,
    )
    return tuple(evaluate(wanted).measurements)
