from collections.abc import Callable

import pytest
import torch

from dcgan.exploration.points import Points, draw, points_of_seeds
from dcgan.exploration.walks import along, even_shares, step_lengths, walk
from dcgan.randomness import latents
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]


def stops(prior: str = "normal", count: int = 4) -> Points:
    return Points(latents(0, count, 50, seed=3, prior=prior))


def test_a_walk_begins_at_the_first_stop_and_ends_at_the_last() -> None:
    ends = walk(stops(), 7, "normal")[[0, -1]]
    assert torch.allclose(ends.latents, stops().latents[[0, -1]], atol=1e-5)


def test_a_walk_passes_through_every_stop() -> None:
    on_the_way = walk(stops(), 10, "normal")
    assert torch.allclose(on_the_way.latents[::3], stops().latents, atol=1e-5)


def test_a_loop_returns_to_the_first_stop_one_step_after_its_last_frame() -> None:
    loop = walk(stops(), 8, "normal", loop=True)
    assert torch.allclose(loop.latents[::2], stops().latents, atol=1e-5)
    around = along(stops(), torch.tensor([1.0], dtype=torch.float64), "normal", loop=True)
    assert torch.allclose(around.latents[0], stops().latents[0], atol=1e-5)


def test_between_normal_latents_of_equal_length_the_length_is_kept() -> None:
    unit = Points(torch.nn.functional.normalize(stops().latents, dim=1) * 7)
    lengths = walk(unit, 31, "normal").latents.norm(dim=1)
    assert torch.allclose(lengths, torch.full_like(lengths, 7.0), rtol=1e-5)


def test_between_uniform_latents_the_way_is_straight() -> None:
    two = stops("uniform", 2)
    middle = walk(two, 3, "uniform").latents[1]
    assert torch.allclose(middle, two.latents.mean(dim=0), atol=1e-6)


def test_classes_blend_on_the_way() -> None:
    two = Points(stops(count=2).latents, torch.eye(2))
    shares = walk(two, 5, "normal").classes
    assert shares is not None
    assert shares[:, 1].tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_an_even_pace_makes_equal_steps_of_a_course_of_known_speed() -> None:
    # On this straight course the distance from the start is the cube of the share, so equal steps are cube roots.
    shares = even_shares(lambda shares: torch.stack([shares**3, 0 * shares], dim=1), 11)
    assert torch.allclose(shares**3, torch.linspace(0, 1, 11, dtype=torch.float64), atol=0.01)


def test_an_even_pace_makes_equal_steps_across_bends() -> None:
    def zigzag(shares: torch.Tensor) -> torch.Tensor:
        return torch.stack([shares**2, (12 * shares**2).sin() / 5], dim=1)

    steps = step_lengths(zigzag(even_shares(zigzag, 20)))
    assert steps.max() / steps.min() < 1.2


def test_where_nothing_changes_the_pace_is_that_of_the_latents() -> None:
    shares = even_shares(lambda shares: torch.zeros(len(shares), 3), 5)
    assert shares.tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_an_evenly_paced_walk_of_a_generator_has_steps_of_equal_feature_length(
    make: Make, prior: str, classes: int
) -> None:
    generator = make(prior=prior, classes=classes)

    def look(points: Points) -> torch.Tensor:
        return draw(generator, points).float().flatten(1)

    points = walk(points_of_seeds(generator, [3, 17, 40]), 40, prior, loop=True, look=look)
    steps = step_lengths(look(points))
    assert len(points) == 40
    assert steps.max() / steps.min() < 1.2
