"""The steps of a run come out of the iterator, and the display reads some of them."""

from typing import Any

import pytest
import torch

from dcgan.commands.live import clock
from dcgan.interfaces.progress import Progress
from dcgan.training.step import StepReport


class Shown:
    """A display that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, ...]] = []

    def step(self, *numbers: float) -> None:
        self.steps.append(numbers)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seconds = [100.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: seconds[0])
    return seconds


def report(seen: int) -> StepReport:
    return StepReport(seen, *torch.tensor([0.5, 2.0, 1.0, -1.0]).unbind())


def progress_of(display: Any, seen: int = 0) -> Progress:
    return Progress(display, seen)


def test_two_steps_a_second_are_shown(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display)
    for seen in range(10, 120, 10):
        progress.step(report(seen), 1000)
        now[0] += 0.25
    assert display.steps == [(seen, 1000, pytest.approx(40.0), 0.5, 2.0) for seen in (30, 50, 70, 90, 110)]


def test_a_slow_first_step_does_not_count(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display)
    now[0] += 30
    progress.step(report(10), 1000)
    now[0] += 1
    progress.step(report(20), 1000)
    assert [numbers[2] for numbers in display.steps] == [pytest.approx(10.0)]


def test_the_speed_is_that_of_the_last_minute(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display)
    seen = 0
    for speed, seconds in ((1000, 100), (10, 61)):
        for _ in range(seconds):
            seen += speed
            progress.step(report(seen), 100_000)
            now[0] += 1
    assert display.steps[98][2] == pytest.approx(1000)
    assert display.steps[-1][2] == pytest.approx(10)


def test_the_last_step_is_always_shown_even_if_it_is_the_only_one(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display, seen=900)
    now[0] += 0.1
    progress.step(report(1000), 1000)
    assert display.steps == [(1000, 1000, pytest.approx(1000.0), 0.5, 2.0)]


def test_after_a_roll_back_the_speed_is_that_of_new_steps(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display, seen=500)
    progress.step(report(510), 1000)
    progress.step(report(200), 1000)
    now[0] += 0.5
    progress.step(report(250), 1000)
    assert [numbers[:3] for numbers in display.steps] == [(250, 1000, pytest.approx(100.0))]


def test_a_total_that_was_corrected_is_shown_as_it_is_now(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display)
    for seen, total in ((10, 1000), (20, 1000), (30, 400)):
        progress.step(report(seen), total)
        now[0] += 1
    assert [numbers[1] for numbers in display.steps] == [1000, 400]
