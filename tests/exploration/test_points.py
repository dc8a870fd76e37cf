import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dcgan.errors import UserError
from dcgan.exploration.points import Points, draw, points_of_seeds, read_points, together
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]
KINDS = [
    {"family": family, "prior": prior, "classes": classes, "channels": channels}
    for family, prior, classes, channels in (
        ("dcgan", "normal", 0, 1),
        ("dcgan", "uniform", 3, 3),
        ("residual", "normal", 3, 4),
        ("residual", "uniform", 0, 5),
    )
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_points_of_seeds_draw_the_images_of_these_seeds(make: Make, kind: dict[str, Any]) -> None:
    generator = make(**kind)
    assert torch.equal(draw(generator, points_of_seeds(generator, [3, 1, 40])), generator.sample([3, 1, 40]))


def test_a_label_draws_every_seed_in_that_class(make: Make) -> None:
    generator = make(classes=3)
    assert torch.equal(draw(generator, points_of_seeds(generator, [0, 1], 2)), generator.sample([0, 1], [2, 2]))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_points_come_back_from_their_file_to_the_bit(make: Make, kind: dict[str, Any], tmp_path: Path) -> None:
    generator = make(**kind)
    points = points_of_seeds(generator, range(20))
    path = tmp_path / "latents.json"
    path.write_text(json.dumps(points.to_json()))
    back = read_points(path, generator)
    assert torch.equal(back.latents, points.latents)
    assert (back.classes is None) == (points.classes is None)
    assert torch.equal(draw(generator, back), draw(generator, points))


def test_weighted_sums_of_points_mix_latents_and_classes_alike() -> None:
    points = Points(torch.eye(3), torch.tensor([[1.0, 0], [0, 1.0], [1.0, 0]]))
    mixed = points.combined(torch.tensor([[0.5, 0.25, 0.25]]))
    assert mixed.latents.tolist() == [[0.5, 0.25, 0.25]]
    assert mixed.classes is not None
    assert mixed.classes.tolist() == [[0.75, 0.25]]


def test_points_put_together_keep_their_order() -> None:
    points = Points(torch.arange(6.0).reshape(3, 2))
    assert torch.equal(together([points[:1], points[1:]]).latents, points.latents)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("nonsense", "is not JSON"),
        ("[]", 'has no "latents"'),
        ('{"latents": []}', "must be a list of 1 to"),
        ('{"latents": [[1, 2]]}', "2 numbers, this run has 6"),
        ('{"latents": [["a"]]}', "must be a list of numbers"),
        ('{"latents": [[1, 2, 3, 4, 5, true]]}', "must be a list of numbers"),
        ('{"latents": [[1, 2, 3, 4, 5, 1e300]]}', "beyond a million"),
        ('{"latents": [[1, 2, 3, 4, 5, NaN]]}', "is not JSON"),
    ],
)
def test_a_file_without_latents_of_this_generator_is_refused_in_words(
    make: Make, content: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "latents.json"
    path.write_text(content)
    with pytest.raises(UserError, match=words):
        read_points(path, make())


def test_latents_of_a_run_without_classes_are_refused_by_a_generator_of_classes(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "latents.json"
    path.write_text('{"latents": [[1, 2, 3, 4, 5, 6]]}')
    with pytest.raises(UserError, match='no "class_shares"'):
        read_points(path, make(classes=2))


def test_a_file_that_is_not_there_is_told(make: Make, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json: cannot be read"):
        read_points(tmp_path / "none.json", make())
