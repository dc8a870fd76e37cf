"""Runs in one process have the results of runs in processes of their own."""

from pathlib import Path

import pytest

from benchmarks.experiments.together import run_together
from dcgan.commands.compare import Comparison, plan
from dcgan.commands.comparing.results import Procedure
from dcgan.commands.comparing.variants import combine
from dcgan.interfaces.run import Silence
from dcgan.runs.comparison import ComparisonFolder

SETTINGS = {
    "data.height": 16, "data.width": 16, "model.generator_width": 4, "model.discriminator_width": 4,
    "training.budget": "256", "training.batch_size": 32,
}  # fmt: skip


def planned(source: Path, root: Path) -> Comparison:
    variants = combine("d2l", SETTINGS | {"data.source": str(source)}, {})
    folder = ComparisonFolder(root)
    columns = plan(folder, variants, Silence(), repeats=1, threads=1)
    return Comparison(columns, folder, Procedure(("tiny",), 100, None), title="", facts="")


def numbers(comparison: Comparison) -> dict[str, float]:
    (trial,) = comparison.trials()
    return {one.name: one.value for one in comparison.results[trial.key].measurements}


@pytest.mark.long  # it starts the two programs that runs in one process do without
def test_runs_in_one_process_measure_what_runs_of_their_own_do_and_nothing_twice(
    critters_npy: Path, tmp_path: Path
) -> None:
    together, apart = planned(critters_npy, tmp_path / "together"), planned(critters_npy, tmp_path / "apart")
    for outcome in apart.outcomes(1):
        assert outcome is None or not outcome.trouble
    found = [one for one in run_together(together.folder, together.trials(), together.protocol) if one]
    assert [one.fresh for one in found] == [True]
    result = found[0].result
    assert result is not None and result.failure is None
    assert {one.name: one.value for one in result.measurements} == numbers(apart)
    again = [one for one in run_together(together.folder, together.trials(), together.protocol) if one]
    assert [one.fresh for one in again] == [False] and again[0].result is not None
    assert again[0].result.measurements == result.measurements
