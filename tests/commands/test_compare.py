"""A comparison as its owner sees it: what is missing is trained, what is there is not, and failures are counted."""

import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from patience import patient

from dcgan.commands.compare import ROUNDS, Comparison, compare, describe, kept_speed
from dcgan.commands.comparing import trials
from dcgan.commands.comparing.results import Procedure
from dcgan.commands.comparing.trials import Trial
from dcgan.commands.measuring_options import CompareOptions
from dcgan.errors import UserError
from dcgan.interfaces import verbs
from dcgan.interfaces.python import Silence
from dcgan.runs.comparison import ComparisonFolder
from dcgan.settings.config import Config, read_toml
from dcgan.settings.rules import RULES, Rule

FAKE = [sys.executable, str(Path(__file__).parent / "fake_program.py")]
SMALL = ("model.generator_width=4", "model.discriminator_width=4", "hardware.precision=fp32", "training.batch_size=8")

Ask = Callable[..., Comparison]


@pytest.fixture
def ask(critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """``ask(vary=…)``: a comparison whose training and measuring take no time."""

    def train(folder: ComparisonFolder, trial: Trial) -> list[str]:
        return [*FAKE, "train", str(folder.config(trial.key)), str(trial.run.root)]

    def measure(trial: Trial, protocol: Procedure) -> list[str]:
        return [*FAKE, "evaluate", str(trial.run.root)]

    monkeypatch.setattr(trials, "training_command", train)
    monkeypatch.setattr(trials, "measuring_command", measure)
    monkeypatch.setattr(trials, "POLL_SECONDS", 0.01)

    def make(**changes: object) -> Comparison:
        settings = {
            "source": str(critters_npy), "size": "16", "budget": "640", "threads": 1, "detectors": ("second",),
            "samples": 1000, "out": str(tmp_path / "out"), "settings": SMALL,
        }  # fmt: skip
        return compare(CompareOptions(**settings | changes), Silence())

    return make


def starts(comparison: Comparison) -> Counter[str]:
    path = comparison.folder.root / "starts"
    return Counter(path.read_text().split()) if path.exists() else Counter()


def finish(comparison: Comparison, jobs: int = 1) -> list[trials.Outcome]:
    return [outcome for outcome in comparison.outcomes(jobs) if outcome is not None]


RATES = "training.generator_learning_rate=0.001,0.002"


@pytest.mark.promise("A comparison that was stopped goes on, and no run that is finished is trained again.")
def test_a_stopped_comparison_trains_nothing_twice(ask: Ask) -> None:
    comparison = ask(vary=RATES, repeats=2)
    outcomes = comparison.outcomes(1)
    first = next(outcome for outcome in outcomes if outcome is not None)
    outcomes.close()
    assert list(starts(comparison)) == [first.trial.key]
    again = ask(vary=RATES, repeats=2)
    found = finish(again)
    assert [outcome.fresh for outcome in found] == [False, True, True, True]
    assert Counter(starts(again).values()) == {1: 4}
    more = ask(vary=RATES, repeats=3)
    assert [outcome.fresh for outcome in finish(more)] == [False] * 4 + [True] * 2


def test_a_run_that_was_stopped_in_its_middle_goes_on(ask: Ask) -> None:
    comparison = ask(vary="training.beta1=0.7", repeats=1)
    outcomes = comparison.outcomes(1)
    limit = time.monotonic() + patient(30)
    while not (runs := list((comparison.folder.root / "runs").glob("*/about.json"))):
        assert next(outcomes) is None and time.monotonic() < limit
    outcomes.close()  # which asks it to save itself, and waits
    assert not comparison.folder.result(runs[0].parent.name).exists()
    (outcome,) = finish(ask(vary="training.beta1=0.7", repeats=1))
    assert outcome.result is not None and outcome.result.images_seen == 640
    assert list(starts(comparison).values()) == [2]


@pytest.mark.promise("A run of a comparison that diverges is counted and shown, and never silently replaced.")
def test_divergence_is_counted_and_not_tried_again(ask: Ask) -> None:
    vary = "training.beta1=0.5,0.9"
    comparison = ask(vary=vary, repeats=2)
    finish(comparison, jobs=2)
    table, costs = comparison.tables()
    good, bad = [row for row in table.rows if row[0] == "fd_tiny_1k (held out)"]
    assert dict(zip(table.head, good, strict=True))["failed"] == "0"
    assert dict(zip(table.head, bad, strict=True))["failed"] == "2"
    assert dict(zip(table.head, bad, strict=True))["median"] == "–"
    assert [row[3] for row in costs.rows] == ["0", "2"]
    assert "beta1=0.9: generator_loss is no longer a finite number after 320 images" in costs.notes
    finish(ask(vary=vary, repeats=2))
    assert Counter(starts(comparison).values()) == {1: 4}
    written = json.loads(comparison.folder.results.read_text())
    assert [sum(result["failure"] is not None for result in side["results"]) for side in written["variants"]] == [0, 2]


def test_another_trouble_is_told_is_no_result_and_is_tried_again(ask: Ask) -> None:
    comparison = ask(vary="training.beta1=0.5,0.8", repeats=1)
    found = finish(comparison)
    assert [outcome.result is None for outcome in found] == [False, True]
    assert describe(found[1]) == "beta1=0.8, seed 0: no result. no space left in here."
    assert comparison.troubles == ["beta1=0.8, seed 0: no space left in here."]
    again = ask(vary="training.beta1=0.5,0.8", repeats=1)
    assert [outcome.fresh for outcome in finish(again)] == [False, True]


def test_all_variants_have_the_same_seeds_and_take_turns(ask: Ask) -> None:
    comparison = ask(vary=RATES, repeats=3)
    assert [[trial.config.seed for trial in column.trials] for column in comparison.columns] == [[0, 1, 2]] * 2
    order = [(outcome.trial.config.seed, outcome.trial.name) for outcome in finish(comparison)]
    names = [column.name for column in comparison.columns]
    assert order == [(seed, name) for seed in range(3) for name in names]


def test_the_numbers_of_the_table_by_hand(ask: Ask) -> None:
    comparison = ask(vary=RATES, repeats=3)
    finish(comparison, jobs=2)
    table = comparison.tables()[0]
    rows = {(row[0], row[1]): dict(zip(table.head, row, strict=True)) for row in table.rows}
    first = rows["fd_tiny_1k (held out)", "generator_learning_rate=0.001"]  # 1, 2, 3 over a floor of 0.25
    assert (first["median"], first["min"], first["max"], first["excess"]) == ("2", "1", "3", "1.75")
    assert (first["difference"], first["A"], first["runs"]) == ("–", "–", "3")
    second = rows[
        "fd_tiny_1k (held out)", "generator_learning_rate=0.002"
    ]  # 2, 3, 4: above in 6 pairs of 9, equal in 2
    assert (second["median"], second["difference"], second["A"]) == ("3", "1", "0.778")
    recall = rows["recall_tiny_1k (held out)", "generator_learning_rate=0.002"]
    assert (recall["median"], recall["excess"], recall["A"]) == ("0.5", "–", "0.5")


def test_a_budget_of_images_is_the_same_for_all_and_a_time_is_measured_once(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    equal = ask(vary="recipe=d2l,modern", repeats=1)
    assert {trial.config.training.images for column in equal.columns for trial in column.trials} == {640}
    # Of d2l, of modern's usual networks five times, as rules ask, and of modern while the rest is decided; then of both
    # in five turns, whose medians count.
    usual = [1.0] * ROUNDS
    speeds = iter([1.0, *usual, 1.0, 1e9, 50.0, 100.0, 50.0, 100.0, 2.0, 90.0, 1e9, 110.0, 3.0])
    monkeypatch.setattr("dcgan.training.fastest.measure_speed", lambda *_, **__: next(speeds))
    widths_open = tuple(line for line in SMALL if "width" not in line)  # which a rule asks the speed for
    timed = partial(ask, vary="recipe=d2l,modern", repeats=2, budget="10s", settings=widths_open)
    planned = [timed() for _ in range(2)]
    for comparison in planned:  # the second one asks no clock: there are no more speeds
        images = [[trial.config.training.images for trial in column.trials] for column in comparison.columns]
        assert images == [[1000, 1000], [500, 500]]
    assert planned[0].columns == planned[1].columns
    # Rules that decide the same: modern is decided again, but what is known of its speed stays.
    other = Rule({"height": (1024, math.inf)}, {"training.batch_size": 8}, "never here", "")
    for module in ("settings.rules", "commands.comparing.variants"):
        monkeypatch.setattr(f"dcgan.{module}.RULES", (*RULES, other))
    speeds = iter([1.0])
    assert timed().columns == planned[0].columns
    assert not list(speeds), "it was decided anew, by no other rules"


def test_a_speed_holds_on_the_machine_that_measured_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = (speed for speed in (50.0, 20.0, 70.0) for _ in range(ROUNDS))
    monkeypatch.setattr("dcgan.commands.compare.speed_of", lambda _: next(speeds))
    for machine, speed in (("old", 50.0), ("old", 50.0), ("new", 20.0), ("new", 20.0), ("old", 70.0)):
        monkeypatch.setattr("dcgan.commands.compare.machine_name", partial(str, machine))
        assert kept_speed(ComparisonFolder(tmp_path), "images", Config()) == speed


def test_no_address_leaves_the_machine_in_a_result(ask: Ask, critters_npy: Path) -> None:
    comparison = ask(vary=RATES, repeats=1)
    finish(comparison)
    for path in comparison.folder.root.glob("results/*.json"):
        assert str(critters_npy.parent) not in path.read_text() and "/secret" not in path.read_text()


def test_runs_that_are_there_are_measured_as_they_are_and_stand_side_by_side(ask: Ask, tmp_path: Path) -> None:
    made = ask(vary=RATES, repeats=1)
    finish(made)
    names = tuple(str(column.trials[0].run.root) for column in made.columns)
    comparison = ask(runs=names, source=None, out=str(tmp_path / "beside"))
    finish(comparison)
    table, costs = comparison.tables()
    assert table.head == ["measure", *names, "real images"]
    assert table.rows[0] == ["fd_tiny_1k (held out)", "1", "2", "0.25"]
    assert [row[4] for row in costs.rows] == ["640", "640"]
    assert Counter(starts(made).values()) == {1: 2}
    assert "generator_learning_rate" in comparison.folder.report.read_text()
    assert not (tmp_path / "beside" / "runs").exists()


def test_looking_without_measuring(ask: Ask, tmp_path: Path) -> None:
    made = ask(vary=RATES, repeats=1, samples=0)
    assert finish(made)[0].result.measurements == ()
    assert [table.title for table in made.tables()] == ["What it took"]
    measured = finish(ask(vary=RATES, repeats=1))  # asked for more: the runs are there, their numbers are not
    assert [len(outcome.result.measurements) for outcome in measured] == [2, 2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "Name the runs"),
        ({"runs": ("a", "b")}, "a: no run that has begun"),
        ({"source": None, "runs": ("a",), "vary": RATES}, "--vary: trains new runs on --data"),
        ({"source": None, "runs": ("nowhere",)}, "nowhere: no run that has begun"),
        ({"repeats": 0}, "--repeats 0"),
        ({"samples": 50}, "--samples 50"),
        ({"detectors": ("third",)}, "--detector third"),
        ({"vary": "model.slope=0"}, r"model\.negative_slope"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_runs(ask: Ask, changes: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        ask(**changes)


def test_the_real_program_trains_a_planned_run(critters_npy: Path, tmp_path: Path) -> None:
    options = CompareOptions(
        source=str(critters_npy), size="16", budget="64", threads=1, repeats=1, samples=0, settings=SMALL,
        out=str(tmp_path / "out"), vary="model.negative_slope=0",
    )  # fmt: skip
    comparison = compare(options, Silence())
    (outcome,) = finish(comparison, jobs=2)
    assert outcome.trouble == "" and outcome.result is not None and outcome.result.images_seen == 64
    made = read_toml(comparison.folder.run(outcome.trial.key).config)
    assert made["training.images"] == 64 and made["model.negative_slope"] == 0
    assert comparison.folder.report.read_text().count('class="repeats"') == 2  # its grid, and the real images


def test_the_command_prints_tables_or_json_and_says_by_its_exit_code_that_something_is_missing(
    ask: Ask, critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dcgan.hardware.keep_big_blocks", lambda: True)  # of this process, which goes on
    words = [
        "--data",
        critters_npy,
        "--size",
        "16",
        "--budget",
        "640",
        "--threads",
        "1",
        "--repeats",
        "1",
        "--jobs",
        "2",
    ]
    words += ["--out", tmp_path / "out", *(word for setting in SMALL for word in ("--set", setting))]
    words = [str(word) for word in words]
    assert verbs.compare([*words, "--vary", RATES]) == 0
    said = capsys.readouterr()
    assert "generator_learning_rate=0.001, seed 0: 640 images in 6 s." in said.err
    assert "fd_tiny_1k (held out)" in said.out and f"All of it in pictures: {tmp_path}" in said.out
    assert verbs.compare([*words, "--vary", "training.beta1=0.5,0.8", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [len(side["results"]) for side in found["variants"]] == [1, 0] and len(found["troubles"]) == 1
