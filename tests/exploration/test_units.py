from collections.abc import Callable

import pytest
import torch

from dcgan.data.pixels import to_images
from dcgan.exploration.points import draw, points_of_seeds
from dcgan.exploration.units import activities, drawn_without, explored_units, layers_of
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]
KINDS = [
    {"family": "dcgan", "prior": "uniform", "classes": 3, "channels": 1},
    {"family": "residual", "prior": "normal", "classes": 0, "channels": 5},
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_layer_of_any_generator_has_its_units_in_order_of_what_they_change(
    make: Make, kind: dict[str, int]
) -> None:
    generator = make(**kind)
    layers = explored_units(generator, points_of_seeds(generator, range(20)))
    assert len(layers) == len(layers_of(generator))
    for units in layers:
        changes = [unit.change for unit in units]
        assert changes == sorted(changes, reverse=True)
        assert units[0].where.shape == (16, 16)


def test_the_samples_shown_of_a_unit_are_those_of_its_highest_activation(make: Make) -> None:
    generator = make()
    points = points_of_seeds(generator, range(20))
    unit = explored_units(generator, points)[0][0]
    activity = activities(generator, points)[1][:, unit.number]
    assert set(unit.samples.tolist()) == set(activity.topk(6).indices.tolist())


def test_without_its_last_layer_an_image_is_that_of_no_features(make: Make) -> None:
    generator = make()
    points = points_of_seeds(generator, [1, 2])
    last = layers_of(generator)[-1]
    everything = torch.arange(activities(generator, points)[len(layers_of(generator))].shape[1])
    # The last convolution has no bias, so that zeros become the tanh of zero.
    assert to_images(drawn_without(generator, points, last, everything)).abs().max() < 0.01


def test_units_are_back_after_they_were_left_out(make: Make) -> None:
    generator = make()
    points = points_of_seeds(generator, [1, 2])
    before = draw(generator, points)
    drawn_without(generator, points, layers_of(generator)[0], torch.tensor([0]))
    assert torch.equal(draw(generator, points), before)
