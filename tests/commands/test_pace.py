"""A run that was given a time, and is faster or slower than was measured before step 0, says so once."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import dcgan
from dcgan.commands.live.pace import Pace
from dcgan.notation import parse_budget
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder
from dcgan.settings.knobs import TrainingConfig

PLANNED = 100.0  # images a second, as measured before step 0


def hints(
    speed: float, monkeypatch: pytest.MonkeyPatch, *, budget: str = "10min", images: int = 60_000, seen: int = 0
) -> Iterator[tuple[int, str]]:
    """What is said, and after how many images, by a run of so many images a second in steps of 32."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    pace = Pace(TrainingConfig(budget=budget, images=images, images_per_second=PLANNED), seen)
    for before in range(seen, images, 32):
        clock[0] += 32 / speed
        if hint := pace.after(before, before + 32):
            yield before + 32, hint


@pytest.mark.parametrize(
    ("speed", "duration", "budget"), [(1000.0, "1 min", "600k"), (50.0, "20 min", "30k"), (10.0, "1 h 40 min", "6000")]
)
def test_a_run_of_another_speed_says_once_what_to_do(
    speed: float, duration: str, budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(seen, hint)] = hints(speed, monkeypatch)
    assert seen == 6016
    assert f"will take about {duration}." in hint
    assert f"For 10 min, stop it (Ctrl-C) and give the same command with --budget {budget}:" in hint
    assert parse_budget(budget).amount == pytest.approx(600 * speed, rel=0.01)


@pytest.mark.parametrize("speed", [70.0, 100.0, 145.0])
def test_about_the_same_speed_is_not_worth_a_word(speed: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(hints(speed, monkeypatch))


def test_a_budget_that_is_no_time_has_no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(hints(1000.0, monkeypatch, budget="60k"))


def test_a_run_that_was_continued_later_does_not_say_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not list(hints(1000.0, monkeypatch, seen=9_600))


def test_what_the_first_twentieth_took_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    pace = Pace(TrainingConfig(budget="10min", images=60_000, images_per_second=PLANNED), 0)
    for before in range(0, 60_000, 32):
        clock[0] += 300 if before == 0 else 32 / PLANNED  # such as five minutes of compiling
        assert pace.after(before, before + 32) is None


def test_the_budget_that_it_names_makes_the_run_go_on(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcgan.commands.live.pace.SECONDS", 0.0)
    small = {"model.generator_width": 4, "model.discriminator_width": 4, "hardware.precision": "fp32"}
    planned = small | {"training.images_per_second": 1e6, "training.images": 6_400}
    for report in train(critters_npy, tmp_path, "6h", planned):
        if report.images_seen > 700:
            break
    [warning] = [event for event in journal.read(RunFolder(tmp_path).journal) if event["event"] == "warning"]
    assert warning["kind"] == "another pace"
    budget = re.search(r"--budget (\S+):", warning["text"])[1]
    assert next(train(critters_npy, tmp_path, budget, small)).images_seen > 700


def train(source: Path, out: Path, budget: str, settings: dict[str, object]) -> Iterator[dcgan.StepReport]:
    yield from dcgan.train(source, out=out, budget=budget, size=16, threads=1, settings=settings)
