from collections.abc import Callable

import pytest
import torch

from dcgan.errors import UserError
from dcgan.exploration.arithmetic import Term, calculate, parse
from dcgan.runs.generator import TrainedGenerator

Make = Callable[..., TrainedGenerator]


def test_an_expression_is_read_as_the_paper_writes_it() -> None:
    assert parse("3,9,12 - 4, 8,30 + 5") == [Term(1, (3, 9, 12)), Term(-1, (4, 8, 30)), Term(1, (5,))]


def test_classes_are_named_before_a_colon_or_alone() -> None:
    assert parse("hermit crab:3,9 - fish + bird: 4") == [
        Term(1, (3, 9), "hermit crab"),
        Term(-1, (), "fish"),
        Term(1, (4,), "bird"),
    ]


@pytest.mark.parametrize("expression", ["", "1,2 -", "3,,4", "crab: 3,x", "1 - 2 + -3", " + ".join("1" * 11)])
def test_an_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(UserError, match=r"Expected an expression|at most 10"):
        parse(expression)


@pytest.mark.parametrize("prior", ["normal", "uniform"])
@pytest.mark.parametrize("classes", [0, 3])
def test_taking_away_what_is_added_is_the_identity(make: Make, prior: str, classes: int) -> None:
    generator = make(prior=prior, classes=classes)
    result = calculate(generator, parse("5,6,7 - 5,6,7 + 9")).result
    assert torch.allclose(result.latents, generator.latents([9]), atol=1e-6)
    if result.classes is not None:
        assert torch.allclose(result.classes, torch.eye(3)[[9 % 3]], atol=1e-6)


def test_three_exemplars_a_concept_need_no_scale_and_give_the_plain_sum(make: Make) -> None:
    generator = make()
    calculation = calculate(generator, parse("1,2,3 - 4,5,6 + 7,8,9"))
    z = generator.latents(range(1, 10)).reshape(3, 3, -1).mean(dim=1)
    assert calculation.scale == pytest.approx(1)
    assert torch.allclose(calculation.result.latents[0], z[0] - z[1] + z[2], atol=1e-6)


def test_the_sum_of_single_exemplars_is_brought_to_the_length_of_a_latent(make: Make) -> None:
    assert calculate(make(), parse("1 - 2 + 3")).scale == pytest.approx(3**-0.5)


def test_the_surroundings_are_within_a_quarter_of_the_result(make: Make) -> None:
    calculation = calculate(make(), parse("1,2,3"))
    steps = calculation.around.latents - calculation.result.latents
    assert len(steps) == 8
    assert 0.2 < steps.abs().max() <= 0.25


def test_a_class_is_carried_over_like_any_concept(make: Make) -> None:
    generator = make(classes=3)
    result = calculate(generator, parse("class 0:3,4,5 - class 1:3,4,5 + class 1:6,7,8")).result
    assert result.classes is not None
    assert torch.allclose(result.classes, torch.tensor([[1.0, 0, 0]]), atol=1e-6)


def test_classes_by_themselves_have_no_latent_of_their_own(make: Make) -> None:
    result = calculate(make(classes=3), parse("class 0 - class 1 + class 2")).result
    assert result.latents.abs().max() == 0
    assert result.classes is not None
    assert result.classes.tolist() == [[1, -1, 1]]


@pytest.mark.parametrize("classes", [0, 2])
def test_a_class_that_is_not_there_is_told(make: Make, classes: int) -> None:
    with pytest.raises(UserError, match="crab: no such class"):
        calculate(make(classes=classes), parse("crab:3"))
