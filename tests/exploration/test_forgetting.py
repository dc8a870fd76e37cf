from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from dcgan.exploration import forgetting
from dcgan.exploration.forgetting import activations_of, fitted, mask_of_boxes, mask_of_colour
from dcgan.exploration.points import points_of_seeds
from dcgan.exploration.units import activities
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]


def noise(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(size=shape)).float()


def test_a_map_that_shows_where_the_thing_is_has_the_largest_weight_and_finds_it() -> None:
    mask = torch.zeros(6, 16, 16, dtype=torch.bool)
    mask[:, 4:8, 8:16] = True
    activations = noise(6, 5, 8, 8)
    activations[:, 3] += 8 * mask[:, ::2, ::2]
    fit = fitted(activations, mask)
    assert fit is not None
    assert fit.drawing(1).tolist() == [3]
    assert fit.accuracy > 0.98
    assert ((fit.chance(activations) > 0.5) == mask[:, ::2, ::2]).float().mean() > 0.95


def test_the_regression_is_that_of_scikit_learn() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = noise(80, 4).double(), (torch.arange(80) % 2).double()
    x[:, 1] += y
    weights, bias = forgetting._regressed(x, y)
    strength = 1 / (2 * forgetting.PENALTY * len(x))
    theirs = linear_model.LogisticRegression(C=strength, tol=1e-10, max_iter=1000).fit(x.numpy(), y.numpy())
    assert np.allclose(weights.numpy(), theirs.coef_[0], atol=1e-5)
    assert float(bias) == pytest.approx(theirs.intercept_[0], abs=1e-5)


def test_maps_that_do_not_tell_of_the_thing_stay() -> None:
    mask = torch.zeros(4, 8, 8, dtype=torch.bool)
    mask[:, 2:6, 2:6] = True
    activations = noise(4, 3, 8, 8)
    activations[:, 0] += 5 * mask
    activations[:, 1] -= 5 * mask
    fit = fitted(activations, mask)
    assert fit is not None
    assert 0 in fit.drawing().tolist()
    assert 1 not in fit.drawing().tolist()
    assert len(fit.drawing(1)) == 1


@pytest.mark.parametrize("everywhere", [False, True])
def test_nothing_is_fitted_where_the_thing_is_nowhere_or_everywhere(everywhere: bool) -> None:
    assert fitted(noise(2, 3, 4, 4), torch.full((2, 8, 8), everywhere)) is None


def test_a_thing_smaller_than_a_place_is_found_at_the_place_that_it_is_in() -> None:
    mask = torch.zeros(3, 16, 16, dtype=torch.bool)
    mask[:, 5, 9] = True
    activations = noise(3, 2, 4, 4)
    activations[:, 0, 1, 2] += 20
    fit = fitted(activations, mask)
    assert fit is not None
    assert fit.drawing(1).tolist() == [0]


def test_a_colour_is_found_where_each_channel_is_near_enough() -> None:
    pixels = torch.zeros(1, 3, 2, 2, dtype=torch.uint8)
    pixels[0, :, 0, 0] = torch.tensor([200, 100, 50])
    pixels[0, :, 0, 1] = torch.tensor([210, 90, 60])
    pixels[0, :, 1, 0] = torch.tensor([200, 100, 61])
    assert mask_of_colour(pixels, (200, 100, 50), 10)[0].tolist() == [[True, True], [False, False]]
    grey = pixels[:, :1]
    assert mask_of_colour(grey, (200, 200, 200), 0)[0].tolist() == [[True, False], [True, False]]


def test_what_is_transparent_has_no_colour() -> None:
    pixels = torch.full((1, 4, 1, 2), 255, dtype=torch.uint8)
    pixels[0, 3, 0, 0] = 0
    assert mask_of_colour(pixels, (255, 255, 255), 0)[0].tolist() == [[False, True]]


def test_boxes_leave_out_their_right_and_lower_end() -> None:
    mask = mask_of_boxes([[(1, 0, 3, 2)], []], 3, 4)
    assert mask[0].int().tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert not mask[1].any()


@pytest.mark.parametrize("family", ["dcgan", "residual"])
def test_activations_at_places_have_the_means_that_units_have(make: Make, family: str) -> None:
    generator = make(family=family)
    points = points_of_seeds(generator, range(20))
    at_places = activations_of(generator, points, 2)
    assert torch.allclose(at_places.mean(dim=(2, 3)), activities(generator, points)[2], atol=1e-6)
