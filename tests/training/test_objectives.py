import math

import pytest
import torch

from dcgan.training.objectives import compares, discriminator_loss, generator_loss, sureness

OBJECTIVES = ["bce", "hinge", "least_squares", "relativistic"]
every_objective = pytest.mark.parametrize("objective", OBJECTIVES)
REAL, FAKE = torch.tensor([0.3, -2.0, 5.0]), torch.tensor([1.0, -0.5, -7.0])


def test_cross_entropies_are_those_of_the_probabilities() -> None:
    expected = -(torch.sigmoid(REAL).log() + (1 - torch.sigmoid(FAKE)).log()) / 2
    torch.testing.assert_close(discriminator_loss(REAL, FAKE), expected.mean())
    torch.testing.assert_close(discriminator_loss(REAL, FAKE, "sum"), expected.sum())
    torch.testing.assert_close(generator_loss(FAKE, "sum"), -torch.sigmoid(FAKE).log().sum())


@pytest.mark.parametrize(
    ("objective", "of_discriminator", "of_generator"),
    [
        ("hinge", [(0.7 + 2.0) / 2, (3.0 + 0.5) / 2, 0.0], [-1.0, 0.5, 7.0]),
        ("least_squares", [(0.49 + 1) / 2, (9 + 0.25) / 2, (16 + 49) / 2], [0.0, 1.125, 32.0]),
        ("relativistic", [math.log1p(math.exp(x)) for x in (0.7, 1.5, -12)],
                         [math.log1p(math.exp(x)) for x in (-0.7, -1.5, 12)]),
    ],
)  # fmt: skip
def test_losses_are_those_of_the_papers(objective: str, of_discriminator: list, of_generator: list) -> None:
    """Worked out by hand for three pairs of scores."""
    for reduction, reduced in (("sum", torch.sum), ("mean", torch.mean)):
        of_both = discriminator_loss(REAL, FAKE, reduction, objective)
        torch.testing.assert_close(of_both, reduced(torch.tensor(of_discriminator)))
        of_fake = generator_loss(FAKE, reduction, objective, real_scores=REAL)
        torch.testing.assert_close(of_fake, reduced(torch.tensor(of_generator)))


@every_objective
def test_the_discriminator_pulls_real_up_and_fake_down_and_the_generator_pulls_fake_up(objective: str) -> None:
    real, fake = torch.tensor([0.2, 0.4], requires_grad=True), torch.tensor([0.1, 0.3], requires_grad=True)
    of_real, of_fake = torch.autograd.grad(discriminator_loss(real, fake, objective=objective), (real, fake))
    assert (of_real < 0).all() and (of_fake > 0).all()
    (of_fake,) = torch.autograd.grad(generator_loss(fake, objective=objective, real_scores=real), fake)
    assert (of_fake < 0).all()


@every_objective
def test_only_differences_of_scores_matter_where_scores_are_compared(objective: str) -> None:
    same = torch.allclose(
        discriminator_loss(REAL + 3, FAKE + 3, objective=objective), discriminator_loss(REAL, FAKE, objective=objective)
    )
    assert same == compares(objective)


def test_each_real_image_is_compared_with_one_fake() -> None:
    """The gradient of a pair knows nothing of the others."""
    real = REAL.clone().requires_grad_()
    gradients = []
    for fake in (FAKE, FAKE + torch.tensor([0.0, 10.0, 10.0])):
        (gradient,) = torch.autograd.grad(discriminator_loss(real, fake, "sum", "relativistic"), real)
        gradients.append(gradient[0])
    assert gradients[0] == gradients[1]


def test_a_coin_toss_costs_log_two() -> None:
    nothing = torch.zeros(7)
    for objective in ("bce", "relativistic"):
        assert discriminator_loss(nothing, nothing, objective=objective).item() == pytest.approx(math.log(2))
        assert generator_loss(nothing, objective=objective, real_scores=nothing).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("objective", ["bce", "relativistic", "hinge"])
def test_losses_stay_finite_and_keep_their_slope_for_hopeless_scores(objective: str) -> None:
    scores = torch.tensor([-1e4], requires_grad=True)
    generator_loss(scores, objective=objective, real_scores=torch.zeros(1)).backward()
    assert scores.grad is not None
    assert scores.grad.item() == pytest.approx(-1)


def test_sureness_is_the_share_taken_for_real_less_that_taken_for_fake() -> None:
    assert sureness(REAL, FAKE, "bce").item() == pytest.approx(1 / 3)
    assert sureness(REAL, FAKE, "least_squares").item() == pytest.approx(-1 / 3)
    assert sureness(REAL, FAKE, "relativistic").item() == pytest.approx(-1 / 3)
