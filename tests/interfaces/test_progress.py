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


def progress_of(display: Any, seen: int = 0, total: int = 1000) -> Progress:
    return Progress(display, seen, total)


def test_two_steps_a_second_are_shown_with_the_speed_between_them(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display)
    for seen in range(10, 110, 10):
        now[0] += 0.25
        progress.step(report(seen))
    assert display.steps == [(seen, 1000, pytest.approx(40.0), 0.5, 2.0) for seen in (20, 40, 60, 80, 100)]


def test_the_last_step_is_always_shown(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display, seen=900)
    now[0] += 0.1
    progress.step(report(1000))
    assert [numbers[0] for numbers in display.steps] == [1000]


def test_after_a_roll_back_the_speed_is_that_of_new_steps(now: list[float]) -> None:
    display = Shown()
    progress = progress_of(display, seen=500)
    progress.step(report(200))
    now[0] += 0.5
    progress.step(report(250))
    assert [numbers[:3] for numbers in display.steps] == [(250, 1000, pytest.approx(100.0))]
