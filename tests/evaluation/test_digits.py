"""The digit classifier: as good as it is said to be, at the sizes that Stacked-MNIST comes in, channel by channel."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.errors import UserError
from dcgan.evaluation.detectors.digits import DigitClassifier, Digits
from detectors import sets


def padded(pixels: Tensor) -> Tensor:
    return F.pad(pixels, (2, 2, 2, 2))


def stretched(pixels: Tensor) -> Tensor:
    larger = F.interpolate(pixels.float(), size=(32, 32), mode="bicubic", antialias=True)
    return larger.round().clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("change", [lambda pixels: pixels, padded, stretched], ids=["28", "padded to 32", "32"])
def test_99_of_100_test_images_are_read(real_data: Path, change: object) -> None:
    test = sets.load(real_data, "mnist", "test")
    pixels = torch.tensor(test.pixels[::2]).permute(0, 3, 1, 2)
    found = Digits()(change(pixels))  # type: ignore[operator]
    assert found.shape == (5000, 1) and found.dtype == torch.int64
    assert (found[:, 0] == torch.tensor(test.labels[::2])).double().mean() > 0.99


def test_each_channel_is_a_digit_of_its_own(real_data: Path) -> None:
    test = sets.load(real_data, "mnist", "test")
    pixels = torch.tensor(test.pixels[:150]).permute(0, 3, 1, 2)
    stacked = pixels.reshape(50, 3, 28, 28)
    assert torch.equal(Digits()(stacked).flatten(), Digits()(pixels).flatten())


def test_it_is_small() -> None:
    assert sum(parameter.numel() for parameter in DigitClassifier().parameters()) * 2 < 200_000


def test_sixteen_bits_are_refused() -> None:
    with pytest.raises(UserError, match="8 bits"):
        Digits()(torch.zeros(1, 3, 28, 28, dtype=torch.uint16))
