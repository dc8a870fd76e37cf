import numpy as np
import pytest
import torch

from dcgan.training.average import average_of, decay, power_decay, power_of_width, update_average


def test_the_average_of_a_constant_is_that_constant_and_half_after_a_half_life() -> None:
    network = torch.nn.BatchNorm1d(3)
    average = average_of(network)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(8.0)
        network.num_batches_tracked.fill_(41)
    for _ in range(10):
        update_average(average, network, decay(100, images_seen=10**9, half_life=1000, warmup=0.1))
    torch.testing.assert_close(average.weight, torch.full((3,), 2.0))
    torch.testing.assert_close(average.running_mean, torch.full((3,), 4.0))
    assert average.num_batches_tracked.item() == 41
    assert not average.weight.requires_grad


def test_the_average_forgets_the_first_weights() -> None:
    assert decay(32, images_seen=0, half_life=1000, warmup=0.1) == 0
    assert decay(32, images_seen=320, half_life=1000, warmup=0.1) == pytest.approx(0.5)


@pytest.mark.parametrize("width", [0.01, 0.05, 0.1, 0.25])
def test_the_power_profile_has_the_width_that_was_asked_for(width: float) -> None:
    """Its moments in closed form: with density (g + 1) t^g on 0 … 1 the mean is (g + 1) / (g + 2)."""
    power = power_of_width(width)
    mean, square = (power + 1) / (power + 2), (power + 1) / (power + 3)
    assert square - mean**2 == pytest.approx(width**2)


def test_published_widths_have_the_published_powers() -> None:
    """Karras et al. 2024, section 3.1: 5 % is gamma 16.97, 10 % is 6.94."""
    assert power_of_width(0.05) == pytest.approx(16.97, abs=0.005)
    assert power_of_width(0.10) == pytest.approx(6.94, abs=0.005)


@pytest.mark.parametrize("steps", [1000, 4000])
def test_generators_weigh_as_a_power_of_their_age_however_long_the_run(steps: int) -> None:
    kept = np.array([power_decay(32, images_seen=32 * (step + 1), width=0.1) for step in range(steps)])
    weights = (1 - kept) * np.append(np.cumprod(kept[:0:-1])[::-1], 1.0)
    time = (np.arange(steps) + 1) / steps
    assert weights.sum() == pytest.approx(1)
    mean = (weights * time).sum()
    assert np.sqrt((weights * (time - mean) ** 2).sum()) == pytest.approx(0.1, rel=0.01)
    profile = time ** power_of_width(0.1)
    assert np.corrcoef(weights, profile)[0, 1] > 0.9999


def test_the_first_generator_is_forgotten_at_once_by_a_power_average() -> None:
    assert power_decay(32, images_seen=32, width=0.1) == 0
