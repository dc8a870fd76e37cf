"""A run that was given a time keeps to it: its number of images is corrected by its own speed."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from dcgan.commands.live.pace import SHARES, Pace, told
from dcgan.commands.live.records import Records
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.files import DiskError
from dcgan.runs import checkpoint, journal
from dcgan.runs.config_file import saved_config
from dcgan.runs.folder import RunFolder
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.schedules import learning_rate_factor, total_at

SECONDS = 600.0
BATCH = 8


def steps(speed: Callable[[float], float], planned: float) -> Iterator[tuple[float, TrainingConfig]]:
    """Time and plan after each step of a run of ten minutes, ``speed`` images a second at each time."""
    training = TrainingConfig(budget="10min", images=round(SECONDS * planned), replan=True)
    pace, seen, seconds = Pace(), 0, 0.0
    while seen < (training.images or 0):
        seconds += BATCH / speed(seconds)
        seen += BATCH
        training = pace.corrected(training, seen, seconds) or training
        yield seconds, training


@pytest.mark.promise("A budget in time keeps its time within 15 %, whatever was measured before the first step.")
@pytest.mark.parametrize(
    ("speed", "planned"),
    [
        pytest.param(lambda now: 40.0, 40.0, id="as planned"),
        pytest.param(lambda now: 4.0, 200.0, id="a fiftieth of the plan"),
        pytest.param(lambda now: 200.0, 4.0, id="fifty times the plan"),
        pytest.param(lambda now: 1.0 if now < 8 else 60.0, 60.0, id="one long first step"),
        pytest.param(lambda now: 60.0 if now < 100 else 15.0, 60.0, id="busy after a sixth"),
        pytest.param(lambda now: 15.0 if now < 250 else 60.0, 15.0, id="idle after two fifths"),
        pytest.param(lambda now: 60.0 if now < 300 else 30.0, 60.0, id="busy after the half"),
        pytest.param(lambda now: 60.0 if now % 60 < 30 else 20.0, 60.0, id="busy every other half minute"),
        pytest.param(lambda now: 0.2, 0.2, id="fifteen steps in all"),
    ],
)
def test_a_budget_in_time_keeps_its_time(speed: Callable[[float], float], planned: float) -> None:
    *_, (seconds, training) = steps(speed, planned)
    assert seconds == pytest.approx(SECONDS, rel=0.15)
    assert len(training.planned_at) <= len(SHARES)


def test_the_rate_of_a_run_that_is_corrected_never_rises_and_reaches_its_end() -> None:
    for planned in (4.0, 200.0):
        *_, (_, training) = steps(lambda now: 40.0, planned)
        training = TrainingConfig(**{**vars(training), "learning_rate_schedule": "linear", "batch_size": BATCH})
        rates = [learning_rate_factor(training, seen) for seen in range(0, training.images + 1, BATCH)]
        assert all(before >= after for before, after in pairwise(rates))
        assert max(before - after for before, after in pairwise(rates)) < 40 / SECONDS
        assert (rates[0], rates[-1]) == (1.0, pytest.approx(0.0, abs=1e-3))


def test_the_plan_of_each_moment_is_remembered() -> None:
    seen = []
    for _, training in steps(lambda now: 40.0, 100.0):
        seen.append(training)
    final = seen[-1]
    assert [total_at(final, BATCH * place) for place in range(len(seen))] == [60_000, *(it.images for it in seen[:-1])]


@pytest.mark.parametrize(
    "changes",
    [{"replan": False}, {"replan": None}, {"budget": "60k"}, {"budget": "3epochs"}],
)
def test_what_is_no_time_or_was_asked_for_in_images_is_never_corrected(changes: dict[str, Any]) -> None:
    training = TrainingConfig(**({"budget": "10min", "images": 60_000, "replan": True} | changes))
    pace = Pace()
    assert not any(pace.corrected(training, seen, seen / 7) for seen in range(BATCH, 60_000, 64))


def test_a_small_correction_is_not_worth_a_word() -> None:
    plan = TrainingConfig(images=1000, budget="10min")
    assert told(plan, TrainingConfig(images=1040, budget="10min")) is None
    said = told(plan, TrainingConfig(images=2000, budget="10min"))
    assert said == "By its speed so far, this run will see 2,000 images in 10min, not 1,000."


class Killed(BaseException):
    """What a signal would do to the process: nothing is saved any more."""


class Ears:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def prepare(self, done: int, total: int) -> None: ...

    def picture(self, path: Path) -> None: ...


class Machine:
    """Trains on a clock of its own: 10 images a second where 20 were measured."""

    speed = 10.0

    def __init__(self, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.source = 0.0, source
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def train(self, out: Path, *, killed_at: int | None = None, ears: Ears | None = None, **options: Any) -> RunFolder:
        settings = {
            "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "runs.preview_rows": 2,
            "training.batch_size": BATCH, "training.images_per_second": 20.0, "hardware.precision": "fp32",
            "training.learning_rate_schedule": "linear", "runs.save_every_seconds": 1e6,
        }  # fmt: skip
        asked: dict[str, Any] = {"source": str(self.source), "size": "16", "threads": 1, "budget": "60s", **options}
        self.now = 0.0
        if "config" not in options:
            asked["settings"] = tuple(f"{key}={value}" for key, value in settings.items())
        with Training(TrainOptions(out=str(out), **asked), ears or Ears()) as training:
            steps = training.steps()
            for report in steps:
                self.now += BATCH / self.speed
                if killed_at is not None and report.images_seen >= killed_at:
                    with pytest.raises(Killed):
                        steps.throw(Killed())
                    break
        return RunFolder(out)


@pytest.fixture
def machine(critters_npy: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(critters_npy, monkeypatch)


def tensors(run: RunFolder) -> dict[str, torch.Tensor]:
    found = checkpoint.newest(run)
    assert found is not None
    return {name: tensor for name, tensor in found.tensors.items() if not name.startswith("sums")}


def assert_equal_weights(one: RunFolder, other: RunFolder) -> None:
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def test_a_corrected_run_ends_by_its_own_speed_says_so_and_is_repeated_by_its_config(
    machine: Machine, tmp_path: Path
) -> None:
    ears = Ears()
    run = machine.train(tmp_path / "run", ears=ears)
    training = saved_config(run).training
    assert training.images == pytest.approx(600, abs=2 * BATCH)
    assert training.planned_images[0] == 1200
    plans = [event for event in journal.read(run.journal) if event["event"] == "plan"]
    assert [event["images_seen"] for event in plans] == list(training.planned_at)
    assert [event["images"] for event in plans] == [*training.planned_images[1:], training.images]
    [line] = [text for text in ears.said if "By its speed" in text]
    assert line.endswith("images in 60s, not 1,200.")
    machine.speed = 70.0  # another machine, or another day
    again = machine.train(tmp_path / "again", config=str(run.config), source=None, size=None, threads=None, budget=None)
    assert_equal_weights(run, again)


@pytest.mark.promise("A run in time that was killed after its plan was corrected goes on by the corrected plan.")
@pytest.mark.parametrize("kill", ["late", "between checkpoint and config"])
def test_a_run_killed_after_its_last_correction_ends_in_the_same_weights(
    kill: str, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = machine.train(tmp_path / "whole")
    last = saved_config(whole).training.planned_at[-1]
    if kill == "late":
        parts = machine.train(tmp_path / "parts", killed_at=last + 5 * BATCH)
    else:
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Records, "correction", dying_at(last))
            machine.train(tmp_path / "parts")
        parts = RunFolder(tmp_path / "parts")
        assert saved_config(parts).training.planned_at != saved_config(whole).training.planned_at
    machine.speed = 1.0
    machine.train(tmp_path / "parts")
    assert saved_config(parts) == saved_config(whole)
    assert_equal_weights(whole, parts)


def dying_at(images: int) -> Callable[..., None]:
    """Stands in for the writing of a correction."""
    write = Records.correction

    def correction(records: Records, images_seen: int, *words: Any, **facts: Any) -> None:
        if images_seen >= images:
            raise Killed
        write(records, images_seen, *words, **facts)

    return correction


def test_a_correction_that_the_disk_refuses_is_not_obeyed_and_tried_again_with_the_checkpoint(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, refused = checkpoint.save, []

    def refusing(*arguments: Any, **more: Any) -> Path:
        if not refused:
            refused.append(True)
            raise DiskError(tmp_path, OSError(28, "No space left on device"))
        return save(*arguments, **more)

    monkeypatch.setattr(checkpoint, "save", refusing)
    ears = Ears()
    run = machine.train(tmp_path / "run", ears=ears)
    assert any("NOT saved" in text for text in ears.said)
    (at,) = saved_config(run).training.planned_at
    assert at > 600, "the disk is asked again after 60 seconds, in which the time is over"
    found = checkpoint.newest(run)
    assert found is not None
    assert found.facts["images_seen"] == at + BATCH, "one step more, for the measurement at the end"


def test_a_larger_time_is_planned_by_the_speed_of_the_run_so_far(machine: Machine, tmp_path: Path) -> None:
    run = machine.train(tmp_path / "run")
    machine.train(tmp_path / "run", budget="90s")
    assert saved_config(run).training.images == pytest.approx(900, abs=3 * BATCH)


def test_images_that_are_asked_for_beside_a_time_stay(machine: Machine, tmp_path: Path) -> None:
    run = machine.train(tmp_path / "run", killed_at=2 * BATCH)
    assert saved_config(run).training.replan is True
    settings = ("training.images=240", "training.images_per_second=20.0")
    options = TrainOptions(out=str(run.root), settings=settings)
    with Training(options, Ears()) as training:
        assert (training.images_total, training.config.training.replan) == (240, False)
