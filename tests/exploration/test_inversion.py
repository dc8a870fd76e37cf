from collections.abc import Callable

import pytest
import torch

from dcgan.exploration.inversion import Search, decibels
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]
KINDS = [
    {"family": "dcgan", "prior": "normal", "classes": 0, "channels": 3},
    {"family": "dcgan", "prior": "uniform", "classes": 3, "channels": 1},
    {"family": "residual", "prior": "normal", "classes": 0, "channels": 5},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_search_brings_back_images_that_the_generator_drew(make: Make, kind: dict[str, int]) -> None:
    generator = make(**kind)
    targets = generator.sample([7, 8, 9])
    reached = Search(generator, samples=200).find(targets, steps=100)
    assert (reached.decibels > 30).all(), reached.decibels
    assert torch.equal(generator.decode(reached.points.latents, reached.points.classes), reached.pixels)


def test_a_search_never_ends_farther_than_its_nearest_sample(make: Make) -> None:
    generator = make()
    search = Search(generator, samples=50)
    targets = torch.randint(0, 255, (3, 3, 16, 16), dtype=torch.uint8)
    before = search.find(targets, steps=1).decibels
    after = search.find(targets, steps=40).decibels
    assert (after >= before - 1e-3).all()
    assert after.sum() > before.sum()


def test_uniform_latents_stay_within_their_bounds(make: Make) -> None:
    targets = torch.randint(0, 255, (2, 3, 16, 16), dtype=torch.uint8)
    assert Search(make(prior="uniform"), samples=50).find(targets, steps=30).points.latents.abs().max() <= 1


def test_a_search_leaves_the_generator_as_it_was(make: Make) -> None:
    generator = make()
    before = generator.sample([1])
    Search(generator, samples=20).find(generator.sample([5]), steps=5)
    assert torch.equal(generator.sample([1]), before)
    assert all(parameter.requires_grad for parameter in generator.generator.parameters())


def test_features_can_be_searched_by_as_well(make: Make) -> None:
    generator = make()
    search = Search(generator, samples=100, look=lambda images: images.mean(dim=(2, 3)))
    assert float(search.find(generator.sample([4]), steps=60).decibels) > 25


def test_an_error_of_one_grey_level_in_every_pixel_is_48_decibels() -> None:
    pixels = torch.full((1, 3, 4, 4), 100, dtype=torch.uint8)
    assert float(decibels(pixels, pixels + 1)) == pytest.approx(48.13, abs=0.01)  # 20 log10 255
    assert float(decibels(pixels, pixels)) == 99
