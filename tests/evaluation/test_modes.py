import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dcgan.data.sources.idx_and_cifar import read_idx
from dcgan.data.sources.open import open_source
from dcgan.evaluation.measures.modes import (
    STACKED_SAMPLES,
    count_modes,
    gaussian_modes,
    grid,
    modes_of_digits,
    ring,
)
from dcgan.settings.knobs import DataConfig


def test_a_uniform_draw_hits_all_modes_and_has_the_divergence_of_chance() -> None:
    draws = [
        count_modes(torch.randint(1000, (STACKED_SAMPLES,), generator=torch.Generator().manual_seed(seed)))
        for seed in range(10)
    ]
    assert all(found.num_hit == found.num_hit_often == 1000 for found in draws)
    assert sum(found.divergence for found in draws) / 10 == pytest.approx(999 / (2 * 26_000), rel=0.06)


def test_the_divergence_of_few_modes_is_what_it_must_be() -> None:
    assert count_modes(torch.arange(1000).repeat(26)) == (1000, 1000, 0)
    assert count_modes(torch.full((100,), 7)) == (1, 1, pytest.approx(math.log(1000)))
    half = count_modes(torch.arange(500).repeat(4))
    assert half == (500, 0, pytest.approx(math.log(2)))
    uneven = count_modes(torch.tensor([0, 0, 0, 1]), 2)
    assert uneven.divergence == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))


def test_three_digits_make_a_mode() -> None:
    digits = torch.tensor([[0, 0, 0], [0, 0, 7], [0, 5, 0], [9, 9, 9], [1, 2, 3]])
    assert modes_of_digits(digits).tolist() == [0, 7, 50, 999, 123]


@pytest.mark.parametrize("centres", [ring(), grid()], ids=["ring", "grid"])
def test_points_of_the_mixture_itself_hit_every_mode_and_are_of_the_quality_of_three_deviations(
    centres: Tensor,
) -> None:
    random = torch.Generator().manual_seed(1)
    chosen = torch.randint(len(centres), (20_000,), generator=random)
    points = centres[chosen] + 0.1 * torch.randn(20_000, 2, generator=random)
    found = gaussian_modes(points, centres, 0.1)
    assert found.num_hit == len(centres)
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    assert gaussian_modes(points, centres, 0.1, within=1).high_quality == pytest.approx(1 - math.exp(-0.5), abs=0.01)


def test_a_mode_counts_with_enough_points_near_it() -> None:
    points = torch.cat(
        [ring()[:2].repeat_interleave(20, dim=0), ring()[2:3].repeat(19, 1), ring()[3:4].repeat(40, 1) + 1]
    )
    assert gaussian_modes(points, ring(), 0.1) == (2, pytest.approx(59 / 99))
    assert gaussian_modes(points, ring(), 0.1, fewest=19).num_hit == 3


def test_centres_lie_where_they_should() -> None:
    torch.testing.assert_close(ring().norm(dim=1), torch.full((8,), 2.0))
    assert torch.pdist(ring()).min() == pytest.approx(4 * math.sin(math.pi / 8), rel=1e-5)
    assert grid().shape == (25, 2)
    torch.testing.assert_close(grid().mean(dim=0), torch.zeros(2))
    assert torch.pdist(grid()).min() == 2


def test_the_modes_of_stacked_digits_are_the_classes_of_the_data_set(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a classifier that knows every training digit by heart, without its padding."""
    monkeypatch.setenv("DCGAN_DATASETS", str(real_data))
    digits = read_idx(real_data / "mnist" / "train-images-idx3-ubyte.gz")
    labels = read_idx(real_data / "mnist" / "train-labels-idx1-ubyte.gz")
    known = {digit.tobytes(): int(label) for digit, label in zip(digits, labels, strict=True)}
    source = open_source(DataConfig(source="stacked-mnist"))
    rows = range(0, 60_000, 120)
    pixels = torch.stack([torch.from_numpy(source.read(row).pixels).permute(2, 0, 1) for row in rows])
    inside = pixels[:, :, 2:30, 2:30].reshape(-1, 28, 28)  # each digit is padded to 32 x 32
    found = modes_of_digits(torch.tensor([known[digit.numpy().tobytes()] for digit in inside]).view(-1, 3))
    assert found.tolist() == [int(source.class_names[source.items[row].label or 0]) for row in rows]
    assert count_modes(found).num_hit > 350
