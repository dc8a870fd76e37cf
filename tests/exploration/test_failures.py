import torch

from dcgan.exploration.failures import cluster, strangeness, worst_groups
from dcgan.randomness import latents


def islands() -> tuple[torch.Tensor, torch.Tensor]:
    """Three islands of 30, 20 and 10 points, far from each other, and the island of each."""
    sizes = (30, 20, 10)
    island = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))
    return latents(0, 60, 4, seed=0) + 100 * torch.eye(3, 4)[island], island


def test_groups_are_the_islands_that_the_images_lie_on_the_largest_first() -> None:
    points, island = islands()
    groups = worst_groups(torch.ones(60), points, worst=60, groups=3)
    assert [len(group.rows) for group in groups] == [30, 20, 10]
    assert all(len(set(island[group.rows].tolist())) == 1 for group in groups)


def test_the_first_of_a_group_is_the_nearest_to_its_middle() -> None:
    points, island = islands()
    group = worst_groups(torch.ones(60), points, worst=60, groups=3)[0]
    distances = (points[island == 0] - points[island == 0].mean(dim=0)).norm(dim=1)
    assert int(group.rows[0]) == int(distances.argmin())


def test_only_the_worst_are_grouped() -> None:
    points, island = islands()
    groups = worst_groups((island == 2).float(), points, worst=10, groups=2)
    assert sorted(int(row) for group in groups for row in group.rows) == list(range(50, 60))


def test_more_groups_than_images_are_as_many_as_there_are_images() -> None:
    labels, centres = cluster(torch.tensor([[0.0], [1.0]]), 5)
    assert len(centres) == 2
    assert sorted(labels.tolist()) == [0, 1]


def test_images_that_are_all_alike_are_one_group() -> None:
    assert len(worst_groups(torch.ones(8), torch.zeros(8, 3))) == 1


def test_strangeness_counts_a_distance_in_radii_of_the_nearest_real_image() -> None:
    found = strangeness(torch.tensor([2.0, 2.0]), torch.tensor([1, 0]), torch.tensor([4.0, 1.0]))
    assert found.tolist() == [2.0, 0.5]
