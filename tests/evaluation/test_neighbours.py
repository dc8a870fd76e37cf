import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from dcgan.evaluation.measures import neighbours
from dcgan.evaluation.measures.neighbours import fidelity, nearest, nearest_others, radii

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # other people's imports
    from prdc import compute_prdc


def draw(count: int, size: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.promise("Precision, recall, density and coverage are those of prdc.")
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_precision_recall_density_and_coverage_are_those_of_prdc(
    k: int, shift: float, capsys: pytest.CaptureFixture[str]
) -> None:
    samples, reference = draw(400, 8, 1, shift=shift + 0.3, scale=0.9), draw(300, 8, 2, shift=shift)
    expected = compute_prdc(reference.double().numpy(), samples.double().numpy(), nearest_k=k)
    found = fidelity(samples, reference, k)._asdict()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def test_what_lies_on_the_surface_of_a_ball_is_outside_as_in_prdc(capsys: pytest.CaptureFixture[str]) -> None:
    """Whole numbers around zero: many equal distances, all exact."""
    random = torch.Generator().manual_seed(1)
    halves = [torch.randint(-2, 3, (100, 3), generator=random).float() for _ in range(2)]
    samples, reference = (torch.cat([half, -half]) for half in halves)
    expected = compute_prdc(reference.double().numpy(), samples.double().numpy(), nearest_k=3)
    found = fidelity(samples, reference, 3)._asdict()
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_tiles_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    samples, reference = draw(101, 8, 1), draw(77, 8, 2)
    whole, rows = fidelity(samples, reference), nearest(samples, reference, 3).rows
    monkeypatch.setattr(neighbours, "_TILE_NUMBERS", 77 * 10)
    tiled = fidelity(samples, reference)
    assert tiled[:4] == whole[:4]
    assert torch.equal(tiled.sample_density, whole.sample_density)
    assert torch.equal(nearest(samples, reference, 3).rows, rows)


def test_the_balls_of_a_reference_can_be_computed_once() -> None:
    samples, reference = draw(101, 8, 1), draw(77, 8, 2)
    assert fidelity(samples, reference, 3, real_radii=radii(reference, 3))[:4] == fidelity(samples, reference, 3)[:4]


def test_neighbours_are_those_of_all_pairwise_distances() -> None:
    queries, candidates = draw(50, 8, 1, shift=50), draw(60, 8, 2, shift=50)
    distances, rows = torch.cdist(queries.double(), candidates.double()).sort(dim=1)
    found = nearest(queries, candidates, 4)
    assert torch.equal(found.rows, rows[:, :4])
    np.testing.assert_allclose(found.distances, distances[:, :4], rtol=1e-4)


def test_an_exact_copy_is_at_no_distance_and_never_its_own_neighbour() -> None:
    features = draw(40, 8, 1, shift=10_000)
    found = nearest(features[:5], features)
    assert found.distances.flatten().tolist() == [0.0] * 5
    assert found.rows.flatten().tolist() == [0, 1, 2, 3, 4]
    assert all(row != own for own, row in enumerate(nearest_others(features).rows.flatten().tolist()))
    assert nearest_others(features).distances.min() > 0


def test_a_group_of_near_duplicates_is_passed_over() -> None:
    """Rows come in pairs of twins: the nearest other image is in another pair."""
    features = draw(20, 8, 1).repeat_interleave(2, dim=0)
    groups = torch.arange(40) // 2
    assert nearest_others(features).distances.max() == 0
    apart = nearest_others(features, groups=groups)
    assert (groups[apart.rows[:, 0]] != groups).all()
    torch.testing.assert_close(apart.distances[::2], nearest_others(features[::2]).distances)


def test_with_nobody_left_the_neighbour_is_infinitely_far() -> None:
    assert nearest_others(draw(3, 2, 1), groups=torch.zeros(3, dtype=torch.int64)).distances.isinf().all()


def test_real_against_real_has_a_density_and_a_precision_as_expected() -> None:
    """For draws of one distribution the mean density is 1, the coverage 1 - 2^-k in the limit (Naeem, section 3)."""
    found = fidelity(draw(3000, 4, 1), draw(3000, 4, 2), 3)
    assert found.density == pytest.approx(1, abs=0.05)
    assert found.coverage == pytest.approx(1 - 2**-3, abs=0.02)
    assert found.precision == pytest.approx(found.recall, abs=0.03)


def test_a_collapsed_set_has_high_precision_and_low_recall() -> None:
    """Samples that are all alike, and all like the most ordinary real images."""
    reference = draw(1000, 8, 1)
    collapsed = fidelity(draw(1000, 8, 2, scale=0.05), reference)
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.05
    assert collapsed.coverage < 0.2
    frozen = fidelity(torch.zeros(1000, 8), reference)
    assert (frozen.precision, frozen.recall) == (1, 0)


def test_samples_all_over_the_place_have_low_precision_and_high_recall() -> None:
    scattered = fidelity(draw(1000, 8, 2, scale=3), draw(1000, 8, 1))
    assert scattered.precision < 0.2
    assert scattered.recall > 0.9


def test_an_outlier_among_the_samples_is_told_by_its_density() -> None:
    samples = torch.cat([draw(99, 8, 1), torch.full((1, 8), 20.0)])
    densities = fidelity(samples, draw(200, 8, 2)).sample_density
    assert densities.argmin() in (densities == 0).nonzero()
    assert densities[99] == 0
    assert densities.mean() == pytest.approx(fidelity(samples, draw(200, 8, 2)).density)


def test_what_is_far_from_everything_real_has_none_of_the_four() -> None:
    assert fidelity(draw(100, 4, 1, shift=1000), draw(100, 4, 2))[:4] == (0, 0, 0, 0)
