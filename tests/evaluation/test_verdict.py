import math

import pytest
import torch
from torch import Tensor

from dcgan.evaluation import verdict
from dcgan.evaluation.measurement import Measurement
from dcgan.evaluation.real_images import RealImages, Reals
from dcgan.evaluation.verdict import judge


def draw(count: int, seed: int) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def part(split: str, count: int, seed: int) -> RealImages:
    return RealImages(split, draw(count, seed), torch.arange(count) + 10_000 * seed)


@pytest.mark.parametrize("count", [60, 210, 310, 410, 900])  # of blocks of 100: none, two, three, four, nine
def test_perfect_samples_are_at_their_floor_however_many_images_are_held_out(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "KID_BLOCK", 100)
    reals = Reals("gaussian", "f", part("train", 2500, 1), part("held out", count, 2))
    found = judge(draw(1000, 3), reals, detector="eyes", resize="none")
    taken: dict[str, Measurement] = {one.name: one for one in found.measurements if one.protocol.split == "held out"}
    kernel, frechet = taken["kid_eyes_1k"], taken["fd_eyes_1k"]
    assert kernel.interval is not None and frechet.floor is not None
    assert math.isfinite(kernel.value) and kernel.interval[0] < kernel.value < kernel.interval[1]
    assert abs(kernel.value) < 3 * (kernel.interval[1] - kernel.value)
    assert 0.5 * frechet.floor < frechet.value < 2 * frechet.floor
    assert found.copies is not None and not found.copies.alarm
