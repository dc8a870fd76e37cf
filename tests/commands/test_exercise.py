"""The chapter's first exercise: its numbers against hand-made ones, and what it says of them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from dcgan.commands.exercise import Arriving, _arriving, _on_gradients, _on_images
from dcgan.interfaces.cli import main


@pytest.mark.parametrize(("slope", "gradient"), [(0.0, 0.0), (0.2, 0.5 * 0.2 * 2)])
def test_what_arrives_is_the_gradient_of_the_loss_through_the_units_that_are_on(slope: float, gradient: float) -> None:
    unit = nn.Linear(4, 1)
    nn.init.constant_(unit.weight, 1.0)
    nn.init.constant_(unit.bias, 0.0)
    discriminator = nn.Sequential(nn.Flatten(), unit, nn.LeakyReLU(slope), Offset(0.2 * slope * 5))
    fake = torch.full((3, 1, 2, 2), -0.25 * 1.0)  # the unit sees -1; the score is 0, where the loss falls by a half
    found = _arriving(discriminator, fake)
    assert found.below == 1.0
    assert found.gradient == pytest.approx(gradient)


class Offset(nn.Module):
    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.number


def test_the_answer_follows_the_numbers() -> None:
    leaky, relu = [Arriving(2.0, 0.5), Arriving(4.0, 0.5)], [Arriving(1.0, 0.6), Arriving(1.0, 0.8)]
    assert _on_gradients(leaky, relu) == [
        "With ReLU 70% of the discriminator's units are below zero at the end: no gradient passes them.",
        "The gradient that arrives at an image is 0.375 times that of leaky ReLU (0.25 … 0.5).",
    ]
    assert _on_images("fd", [1.0, 2.0, 3.0], [2.0, 3.0, 4.0])[-1] == "ReLU is worse with every seed."
    assert _on_images("fd", [2.0, 3.0, 4.0], [1.0, 2.0, 3.0])[-1] == "ReLU is better with every seed."
    assert _on_images("fd", [1.0, 2.0, 3.0], [2.0, 1.0, 4.0])[-1].startswith("ReLU is worse with 2 of 3 seeds")
    assert _on_images("fd", [1.0], [2.0])[-1].startswith("That is too few seeds")


def test_the_exercise_runs_and_the_same_command_again_does_nothing_twice(
    critters_npy: Path, quick_trials: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", str(critters_npy), "--size", "16", "--width", "4", "--budget", "64", "--repeats", "1"]
    command = ["exercise", "1", *options, "--samples", "100", "--threads", "1", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    first = capsys.readouterr().out
    assert "times that of leaky ReLU" in first
    assert "Distance to real images (fd_tiny_100" in first
    assert "too few seeds" in first
    assert (tmp_path / "out" / "comparison.html").is_file()
    assert main(command) == 0
    assert capsys.readouterr().out == first
