from collections.abc import Callable

import numpy as np
import pytest
import torch

from dcgan.errors import UserError
from dcgan.exploration.attributes import attributes_of, measure
from dcgan.exploration.classes import look_alike
from dcgan.exploration.directions import by_effect, by_numbers, first_weight, principal, sefa
from dcgan.exploration.finding import Finder
from dcgan.exploration.naming import Direction, Scale, described, uniquely_named
from dcgan.exploration.points import Points
from dcgan.randomness import balanced_latents, latents
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]
SIZE = 12


def known() -> tuple[torch.Tensor, torch.Tensor]:
    """A linear generator: its weight, out x z, and the directions that it stretches, most first, as rows."""
    left = torch.linalg.qr(latents(0, 40, SIZE, seed=1).double()).Q
    right = torch.linalg.qr(latents(0, SIZE, SIZE, seed=2).double()).Q
    return left @ torch.diag(torch.arange(SIZE, 0, -1).double()) @ right.T, right.T


def same_lines(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Equal to 1e-5, whatever their signs."""
    cosines = (found.double() * expected.double()).sum(dim=1, keepdim=True)
    return bool(torch.allclose(found.double() * cosines.sign(), expected.double(), atol=1e-5))


def test_of_a_linear_generator_the_directions_by_effect_are_its_singular_vectors() -> None:
    weight, expected = known()
    found = by_effect(lambda z, classes: z.double() @ weight.T, latents(0, 3, SIZE, seed=0))
    assert same_lines(found.vectors, expected)
    squares = torch.arange(SIZE, 0, -1).double() ** 2
    assert torch.allclose(found.shares.double(), squares / squares.sum(), atol=1e-5)


def test_sefa_finds_the_directions_of_a_first_layer_whose_outputs_are_all_alike() -> None:
    _, expected = known()
    # Each direction is an output so many times over that its share is known.
    weight = torch.cat([expected[number : number + 1].expand(SIZE - number, -1) for number in range(SIZE)])
    assert same_lines(sefa(weight * torch.linspace(1, 9, len(weight))[:, None]).vectors, expected)


def test_principal_components_of_a_linear_layer_lead_back_to_its_directions() -> None:
    weight, expected = known()
    z = balanced_latents(4000, SIZE, seed=0, stream="test").double()
    assert same_lines(principal(z, z @ weight.T).vectors, expected)


def test_a_linear_number_gives_back_its_own_gradient() -> None:
    _, expected = known()
    z = balanced_latents(4000, SIZE, seed=0, stream="test").double()
    vector, explained = by_numbers(z, 7 * z @ expected[3] + 2)
    assert same_lines(vector[None], expected[3:4])
    assert explained == pytest.approx(1, abs=1e-5)


def test_a_number_that_has_nothing_to_do_with_latents_is_not_explained() -> None:
    z = latents(0, 4000, SIZE, seed=0)
    _, explained = by_numbers(z, latents(0, 4000, 1, seed=5)[:, 0])
    assert abs(explained) < 0.02


@pytest.mark.parametrize("family", ["dcgan", "residual"])
def test_the_first_weight_maps_latents_and_leaves_classes_out(make: Make, family: str) -> None:
    generator = make(family=family, classes=3).generator
    assert first_weight(generator, 6).shape[1] == 6


def square(left: int, top: int, side: int, colour: tuple[int, int, int]) -> torch.Tensor:
    """A square on white, 32 x 32."""
    image = torch.full((3, 32, 32), 255, dtype=torch.uint8)
    image[:, top : top + side, left : left + side] = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    return image


@pytest.mark.parametrize(
    ("attribute", "little", "much"),
    [
        ("brightness", square(8, 8, 16, (20, 20, 20)), square(8, 8, 16, (200, 200, 200))),
        ("contrast", square(8, 8, 16, (200, 200, 200)), square(8, 8, 16, (0, 0, 0))),
        ("size", square(12, 12, 8, (0, 0, 0)), square(8, 8, 16, (0, 0, 0))),
        ("sideways place", square(2, 8, 8, (0, 0, 0)), square(20, 8, 8, (0, 0, 0))),
        ("height of place", square(8, 2, 8, (0, 0, 0)), square(8, 20, 8, (0, 0, 0))),
        ("symmetry", square(2, 8, 8, (0, 0, 0)), square(12, 12, 8, (0, 0, 0))),
        ("saturation", square(8, 8, 16, (128, 128, 128)), square(8, 8, 16, (255, 0, 0))),
        ("warmth", square(8, 8, 16, (0, 0, 255)), square(8, 8, 16, (255, 0, 0))),
        ("green", square(8, 8, 16, (255, 0, 255)), square(8, 8, 16, (0, 255, 0))),
    ],
)
def test_an_attribute_is_larger_of_the_image_that_has_more_of_it(
    attribute: str, little: torch.Tensor, much: torch.Tensor
) -> None:
    column = [each.name for each in attributes_of(3)].index(attribute)
    low, high = measure(torch.stack([little, much]))[:, column].tolist()
    assert high > low + 0.05


def test_a_wide_figure_is_wider_than_a_tall_one_and_an_edge_is_detail() -> None:
    wide, tall = square(0, 0, 1, (255, 255, 255)), square(0, 0, 1, (255, 255, 255))
    wide[:, 14:18, 4:28], tall[:, 4:28, 14:18] = 0, 0
    names = [each.name for each in attributes_of(3)]
    measured = measure(torch.stack([tall, wide]))
    assert measured[1, names.index("proportions")] > measured[0, names.index("proportions")] + 1
    assert measured[0, names.index("detail")] > 0


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_images_of_any_number_of_channels_have_attributes(channels: int) -> None:
    pixels = torch.randint(0, 255, (3, channels, 16, 16), dtype=torch.uint8)
    assert measure(pixels).shape == (3, len(attributes_of(channels)))
    assert measure(pixels).isfinite().all()


def test_a_direction_is_named_by_what_it_changes_most_and_turned_so_that_it_grows() -> None:
    def draw(points: Points) -> torch.Tensor:
        level = (128 + 20 * points.latents[:, 0]).clamp(0, 255).to(torch.uint8)
        return level[:, None, None, None].expand(-1, 3, 32, 32)

    points = Points(torch.zeros(4, 2))
    scale = Scale(attributes_of(3), torch.full((11,), 0.1), measure)
    found = described(Direction(torch.tensor([-1.0, 0]), "effect"), points, 3.0, draw, scale)
    assert found.name == "brightness"
    assert found.ends == ("darker", "brighter")
    assert found.vector.tolist() == [1, 0]
    assert dict(found.effect)["brightness"] == pytest.approx(120 / 127.5 / 0.1, rel=0.01)
    assert found.pixel_change == pytest.approx(60)


def test_names_are_unique_and_the_plain_one_is_of_the_direction_that_was_looked_for() -> None:
    vector = torch.ones(1)
    named = uniquely_named([Direction(vector, "effect", "size"), Direction(vector, "attribute", "size")])
    assert [direction.name for direction in named] == ["size 2", "size"]


@pytest.mark.parametrize(
    "kind",
    [
        {"family": "dcgan", "prior": "uniform", "classes": 3, "channels": 4},
        {"family": "residual", "prior": "normal", "classes": 0, "channels": 5},
    ],
    ids=str,
)
def test_every_method_finds_directions_of_length_one_for_any_generator(make: Make, kind: dict[str, int]) -> None:
    finder = Finder(make(**kind))
    for found in (finder.effect(3), finder.sefa(3), finder.pca(3), finder.attributes()):
        for direction in found:
            assert direction.vector.norm() == pytest.approx(1, abs=1e-5)


def test_a_users_function_gives_the_direction_from_no_to_yes(make: Make) -> None:
    finder = Finder(make())
    middle = finder.pixels.float().median().item()
    direction = finder.function("mine:bright", lambda picture: picture.mean() > middle)
    assert direction.ends == ("not bright", "bright")
    moved = finder.points[:200]
    higher, lower = (finder.draw(moved.moved(sign * direction.vector)).float().mean() for sign in (1, -1))
    assert higher > lower


def test_a_function_that_always_says_the_same_or_fails_is_told(make: Make) -> None:
    finder = Finder(make())
    with pytest.raises(UserError, match="said yes of all 2,000"):
        finder.function("mine:always", lambda picture: True)
    with pytest.raises(UserError, match="ZeroDivisionError"):
        finder.function("mine:fails", lambda picture: 1 / 0)


def test_a_sample_looks_like_the_class_whose_real_images_are_like_it() -> None:
    rng = np.random.default_rng(0)
    labels = torch.arange(90) % 3
    known = torch.from_numpy(rng.normal(size=(90, 8))).float()
    known[torch.arange(90), labels] += 6
    seen = torch.zeros(3, 8)
    seen[torch.arange(3), torch.tensor([2, 0, 1])] = 6
    assert look_alike(known, labels, seen).tolist() == [2, 0, 1]


def test_a_class_that_follows_one_latent_number_is_found_along_it(make: Make) -> None:
    finder = Finder(make())
    labels = (finder.points.latents[:, 4] > 0.5).long()
    found = {direction.name: direction for direction in finder.classes(["left", "right", "never"], labels)}
    assert set(found) == {"left", "right"}
    assert float(found["right"].vector[4]) > 0.99
    assert torch.allclose(found["left"].vector, -found["right"].vector, atol=1e-5)
