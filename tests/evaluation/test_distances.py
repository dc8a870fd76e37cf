import math
import warnings

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn

from dcgan.evaluation.feature_stats import FeatureStats
from dcgan.evaluation.measures.distances import (
    frechet_distance,
    kernel_distance,
    kernel_distance_in_blocks,
    kernel_sums,
)
from dcgan.evaluation.measures.floors import floor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # other people's imports
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance


class Flat(nn.Module):
    """Features that are what they are: torchmetrics wants a network."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features


def draw(count: int, size: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    mixing = torch.randn(size, size, generator=torch.Generator().manual_seed(99)) / math.sqrt(size)
    return scale * torch.randn(count, size, generator=random) @ mixing + shift


def frechet(samples: Tensor, reference: Tensor) -> float:
    return frechet_distance(FeatureStats.of(samples), FeatureStats.of(reference))


def gaussian(mean: Tensor, covariance: Tensor) -> FeatureStats:
    stats = FeatureStats(len(mean))
    stats.count, stats.mean, stats.scatter = 2, mean.double(), covariance.double()
    return stats


def test_the_frechet_distance_of_axis_parallel_gaussians_is_that_of_their_means_and_deviations() -> None:
    mean, other = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 1.0, 0.5])
    deviations, others = torch.tensor([1.0, 2.0, 0.0]), torch.tensor([3.0, 0.5, 4.0])
    value = frechet_distance(gaussian(mean, deviations.square().diag()), gaussian(other, others.square().diag()))
    expected = float((mean - other).square().sum() + (deviations - others).square().sum())
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("count", [400, 20])
def test_the_frechet_distance_is_the_one_with_a_matrix_square_root(count: int) -> None:
    """SciPy's is told to be careful where there are fewer images (20) than features (48)."""
    samples, reference = draw(count, 48, 1, shift=0.2, scale=1.3), draw(300, 48, 2)
    means = [values.double().numpy().mean(axis=0) for values in (samples, reference)]
    covariances = [np.cov(values.double().numpy(), rowvar=False) for values in (samples, reference)]
    root = scipy.linalg.sqrtm(covariances[1])
    shared = scipy.linalg.sqrtm(root @ covariances[0] @ root + 1e-14 * np.eye(48)).real.trace()
    expected = ((means[0] - means[1]) ** 2).sum() + covariances[0].trace() + covariances[1].trace() - 2 * shared
    assert frechet(samples, reference) == pytest.approx(expected, rel=1e-6)


@pytest.mark.promise("Fréchet and kernel distance are those of torchmetrics.")
@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save:UserWarning")
def test_both_distances_are_torchmetrics() -> None:
    samples, reference = draw(300, 16, 1, shift=0.3, scale=1.2), draw(400, 16, 2)
    fid = FrechetInceptionDistance(feature=Flat(16)).set_dtype(torch.float64)
    kid = KernelInceptionDistance(feature=Flat(16), subsets=1, subset_size=300)
    for metric in (fid, kid):
        metric.update(reference[: 300 if metric is kid else 400], real=True)
        metric.update(samples, real=False)
    assert frechet(samples, reference) == pytest.approx(float(fid.compute()), rel=1e-4)
    assert kernel_distance(samples, reference[:300]).value == pytest.approx(float(kid.compute()[0]), rel=1e-4)


def test_the_kernel_distance_is_its_definition() -> None:
    samples, reference = draw(30, 6, 1, shift=0.5).double(), draw(40, 6, 2).double()

    def mean(left: Tensor, right: Tensor, *, same: bool) -> float:
        values = [
            (float(x @ y) / 6 + 1) ** 3 for i, x in enumerate(left) for j, y in enumerate(right) if not same or i != j
        ]
        return math.fsum(values) / len(values)

    expected = mean(samples, samples, same=True) + mean(reference, reference, same=True)
    expected -= 2 * mean(samples, reference, same=False)
    assert kernel_distance(samples, reference).value == pytest.approx(expected, rel=1e-12)


def test_the_kernel_distance_loses_nothing_to_single_precision_or_to_its_tiles() -> None:
    samples, reference = draw(2500, 32, 1, shift=1.05), draw(1100, 32, 2, shift=1)
    exact = kernel_distance(samples.double(), reference.double())
    assert kernel_distance(samples, reference) == pytest.approx(exact, abs=1e-6)


def test_what_a_reference_gives_can_be_computed_once() -> None:
    samples, reference = draw(150, 6, 1, shift=0.5), draw(100, 6, 2)
    assert kernel_distance(samples, reference, kernel_sums(reference)) == kernel_distance(samples, reference)


def test_the_interval_of_the_kernel_distance_is_the_jackknife() -> None:
    samples, reference = draw(25, 4, 1, shift=0.5).double(), draw(30, 4, 2).double()
    without = torch.tensor(
        [kernel_distance(samples[torch.arange(25) != row], reference).value for row in range(25)]
    ).double()
    others = torch.tensor(
        [kernel_distance(samples, reference[torch.arange(30) != row]).value for row in range(30)]
    ).double()
    variance = 24 / 25 * (without - without.mean()).square().sum() + 29 / 30 * (others - others.mean()).square().sum()
    value, low, high = kernel_distance(samples, reference)
    assert (high - low) / 2 == pytest.approx(1.96 * math.sqrt(float(variance)), rel=1e-5)
    assert value == pytest.approx((low + high) / 2)


def test_the_interval_of_few_blocks_holds_the_truth_as_often_as_it_says() -> None:
    """Four blocks: 1.96 standard errors instead of Student's 3.18 would be too few."""
    truth, held = kernel_distance_of_gaussians(0.5), 0
    for seed in range(300):
        random = torch.Generator().manual_seed(seed)
        samples = torch.randn(120, 3, generator=random) + 0.5
        _, low, high = kernel_distance_in_blocks(samples, torch.randn(120, 3, generator=random), block_size=30)
        held += low <= truth <= high
    assert 0.91 <= held / 300 <= 0.98


@pytest.mark.parametrize(("shift", "least"), [(0.0, 0.93), (0.3, 0.90)])
def test_the_interval_holds_the_truth_about_as_often_as_it_says(shift: float, least: float) -> None:
    truth = kernel_distance_of_gaussians(shift)
    held = 0
    for seed in range(150):
        random = torch.Generator().manual_seed(seed)
        samples = torch.randn(150, 3, generator=random) + shift
        _, low, high = kernel_distance(samples, torch.randn(150, 3, generator=random))
        held += low <= truth <= high
    assert held / 150 >= least


def kernel_distance_of_gaussians(shift: float) -> float:
    """Between N(shift, 1) and N(0, 1) in three dimensions, from the moments of x·y / 3 + 1.

    E (t + 1)³ = 1 + 3 E t + 3 E t² + E t³ with t = x·y / 3 of independent x, y with means a, b (all coordinates).
    """

    def mean(a: float, b: float) -> float:
        first, second, third = (moments(a)[order] * moments(b)[order] for order in (1, 2, 3))
        d = 3  # sums of three independent products
        sum_2 = d * second + d * (d - 1) * first**2
        sum_3 = d * third + 3 * d * (d - 1) * second * first + d * (d - 1) * (d - 2) * first**3
        return 1 + 3 * first + 3 * sum_2 / 9 + sum_3 / 27

    def moments(a: float) -> tuple[float, float, float, float]:
        return 1, a, a**2 + 1, a**3 + 3 * a

    return mean(shift, shift) + mean(0, 0) - 2 * mean(shift, 0)


def test_blocks_estimate_the_same_distance_with_a_wider_interval() -> None:
    samples, reference = draw(3000, 8, 1, shift=0.3), draw(3500, 8, 2)
    whole, blocks = kernel_distance(samples, reference), kernel_distance_in_blocks(samples, reference, block_size=300)
    assert blocks.low < whole.value < blocks.high
    assert blocks.high - blocks.low > whole.high - whole.low
    assert blocks == kernel_distance_in_blocks(samples, reference, block_size=300)
    assert blocks != kernel_distance_in_blocks(samples, reference, block_size=300, seed=1)


def test_a_set_is_at_no_distance_from_itself() -> None:
    features = draw(200, 32, 1)
    assert frechet(features, features) == pytest.approx(0, abs=1e-9)
    assert kernel_distance(features, features).value < 0  # unbiased for draws, and these share everything
    constant = torch.full((5, 3), 2.0)
    assert frechet(constant, constant) == 0
    assert frechet(constant, constant + 1) == pytest.approx(3)


def test_order_and_rotation_do_not_matter_and_scale_does_as_it_must() -> None:
    samples, reference = draw(300, 12, 1, shift=0.3).double(), draw(200, 12, 2).double()
    rotation = torch.linalg.qr(draw(12, 12, 3).double())[0]
    expected = frechet(samples, reference)
    assert frechet(samples.flip(0) @ rotation, reference @ rotation) == pytest.approx(expected, rel=1e-9)
    assert frechet(3 * samples + 5, 3 * reference + 5) == pytest.approx(9 * expected, rel=1e-9)
    assert frechet(reference, samples) == pytest.approx(expected, rel=1e-9)
    turned = kernel_distance(samples.flip(0) @ rotation, reference @ rotation)
    assert turned == pytest.approx(kernel_distance(samples, reference), rel=1e-9)


def test_with_fewer_images_the_frechet_distance_grows_and_the_kernel_distance_stays() -> None:
    pairs = {
        count: [(draw(count, 16, seed), draw(count, 16, 1000 + seed)) for seed in range(20)] for count in (50, 200)
    }
    means = {count: sum(frechet(*pair) for pair in of) / 20 for count, of in pairs.items()}
    assert 2.5 < means[50] / means[200] < 6  # about 1 / N
    kernels = torch.tensor([kernel_distance(*pair).value for pair in pairs[50]])
    assert abs(float(kernels.mean())) < 3 * float(kernels.std()) / math.sqrt(20)


def test_the_floor_is_the_mean_over_disjoint_draws_and_the_same_every_time() -> None:
    reals = torch.arange(100.0)[:, None]
    seen = []

    def measure(samples: Tensor, reference: Tensor) -> float:
        seen.append((set(samples[:, 0].tolist()), set(reference[:, 0].tolist())))
        return float(len(seen))

    assert floor(measure, reals, 40, num_samples=60) == 3  # (1 + 2 + 3 + 4 + 5) / 5
    assert all(len(samples) == 60 and len(others) == 40 and not samples & others for samples, others in seen)
    assert len({frozenset(samples) for samples, _ in seen}) == 5
    floor(measure, reals, 40, num_samples=60)
    assert seen[5:] == seen[:5]


def test_the_floor_keeps_a_given_reference_and_says_nothing_with_too_few_images() -> None:
    reals, reference = torch.arange(100.0)[:, None], torch.arange(200.0, 230.0)[:, None]
    assert floor(lambda samples, others: float(others.min()), reals, reference, num_samples=100) == 200
    assert floor(lambda samples, others: 0.0, reals, reference, num_samples=101) is None
    assert floor(lambda samples, others: 0.0, reals, 50, num_samples=51) is None


def test_near_duplicates_are_drawn_to_one_side_of_the_floor() -> None:
    reals, groups = torch.arange(100.0)[:, None], torch.arange(100) // 2

    def shared(samples: Tensor, reference: Tensor) -> float:
        return len(set((samples[:, 0] // 2).tolist()) & set((reference[:, 0] // 2).tolist()))

    assert floor(shared, reals, 50, num_samples=50, groups=groups) == 0
    assert floor(shared, reals, 50, num_samples=50) > 5
