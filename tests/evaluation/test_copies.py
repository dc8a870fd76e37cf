import pytest
import torch
from torch import Tensor

from dcgan.evaluation.measures.copies import EXPECTED, find_copies


def draw(count: int, seed: int, size: int = 8) -> Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))


def with_copies(train: Tensor, share: float, seed: int, count: int = 1000) -> Tensor:
    """New images, a share of them being training images that were hardly changed."""
    samples = draw(count, seed, train.shape[1])
    rows = torch.randint(len(train), (round(share * count),), generator=torch.Generator().manual_seed(seed))
    samples[: len(rows)] = train[rows] + 0.02 * samples[: len(rows)]
    return samples


@pytest.mark.promise("Samples one in eight of which is a training image ring the copies alarm, and new images do not.")
@pytest.mark.parametrize(("num_train", "num_held_out"), [(1000, 400), (900, 100), (500, 0)])
def test_one_copy_in_ten_rings_the_alarm_and_new_images_do_not(num_train: int, num_held_out: int) -> None:
    """Thirty draws each: the threshold is meant to be passed by chance once in ten thousand."""
    rung, false_alarms = 0, 0
    for seed in range(30):
        train = draw(num_train, 3 * seed)
        held_out = draw(num_held_out, 3 * seed + 1) if num_held_out else None
        rung += find_copies(with_copies(train, 0.12, 3 * seed + 2, 500), train, held_out).alarm
        false_alarms += find_copies(draw(500, 3 * seed + 2), train, held_out).alarm
    assert false_alarms == 0
    assert rung >= 29


def test_new_images_are_as_far_from_the_training_images_as_held_out_ones() -> None:
    found = find_copies(draw(2000, 1), draw(3000, 2), draw(2000, 3))
    assert found.ratio == pytest.approx(1, abs=0.05)
    assert found.nearer == pytest.approx(0.5, abs=0.04)
    assert abs(found.rank_z) < 3.5
    assert found.suspects <= 2 * EXPECTED


def test_a_generator_that_only_copies_is_at_distance_zero_and_its_pairs_are_named() -> None:
    train = draw(500, 1)
    found = find_copies(train[100:200].flip(0), train, draw(300, 2), num_worst=3)
    assert (found.ratio, found.nearer, found.suspects) == (0, 1, 1)
    assert found.rank_z < -10
    assert len(found.worst) == 3
    assert all(pair.train == 199 - pair.sample and pair.distance == 0 for pair in found.worst)


def test_the_rank_statistic_of_random_ranks_has_unit_variance() -> None:
    """Distances that do not depend on which set they are of: what Mann and Whitney's formula is for."""
    train = torch.zeros(50, 1)
    values = torch.tensor(
        [find_copies(draw(40, seed, 1), train, draw(60, 1000 + seed, 1)).rank_z for seed in range(400)]
    )
    assert float(values.mean()) == pytest.approx(0, abs=0.15)
    assert float(values.std()) == pytest.approx(1, abs=0.1)


def test_samples_in_the_middle_of_everything_are_near_but_no_copies() -> None:
    """As blurred images are: near to many training images alike."""
    train = draw(2000, 1, 16)
    found = find_copies(0.7 * draw(1000, 2, 16), train, draw(500, 3, 16))
    assert found.rank_z < -10
    assert not found.alarm


def test_twins_of_training_images_do_not_hide_copies() -> None:
    """Were an image's own twin its neighbour, distances among real images would be as short as a copy's."""
    train = draw(500, 1).repeat_interleave(2, dim=0) + 0.02 * draw(1000, 2)
    groups = torch.arange(1000) // 2
    samples = with_copies(train, 0.2, 3)
    assert find_copies(samples, train, train_groups=groups).alarm
    assert not find_copies(samples, train).alarm
    held_out = torch.cat([train[::10] + 0.02, draw(100, 4)])
    held_out_groups = torch.cat([groups[::10], torch.full((100,), -1)])
    assert find_copies(samples, train, held_out, train_groups=groups, held_out_groups=held_out_groups).alarm
    assert not find_copies(samples, train, held_out).alarm


def test_it_says_when_training_images_stand_in_for_held_out_ones() -> None:
    train = draw(400, 1)
    alone, beside = find_copies(draw(300, 2), train), find_copies(draw(300, 2), train, draw(300, 3))
    assert alone.stand_in
    assert not beside.stand_in
    assert "training images to each other" in str(alone)
    assert "99 % of held-out images" in str(beside)
    assert str(alone).startswith("no sign of copies")
    assert str(find_copies(train[:300], train)).startswith("some are copies: 100.0%")
