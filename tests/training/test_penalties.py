from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.nn.utils.parametrizations import spectral_norm

from dcgan.errors import UserError
from dcgan.models.dcgan import Discriminator, Generator
from dcgan.models.spectral import normalise_spectrally
from dcgan.training.augment import NUM_DRAWS, View
from dcgan.training.penalties import (
    has_adjoint,
    penalty,
    scores_and_penalty,
    squared_gradient,
    squared_gradient_by_adjoint,
)

Squared = Callable[[nn.Module, Tensor, Tensor | None], tuple[Tensor, Tensor]]
both_ways = pytest.mark.parametrize("squared", [squared_gradient, squared_gradient_by_adjoint])


class Polynomial(nn.Module):
    """D(x) = sum of w x ** power."""

    def __init__(self, weight: Tensor, power: int) -> None:
        super().__init__()
        self.weight, self.power = nn.Parameter(weight), power

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return (self.weight * images**self.power).sum(dim=(1, 2, 3))


def critic(
    *,
    base: tuple[int, int] = (4, 4),
    stages: int = 2,
    channels: int = 3,
    slope: float = 0.2,
    classes: int = 0,
    norm: bool = False,
) -> Discriminator:
    with torch.random.fork_rng():
        torch.manual_seed(stages)
        return Discriminator(
            base, stages, image_channels=channels, width=2, num_classes=classes, negative_slope=slope, norm=norm
        ).double()


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weight_gradients(discriminator: nn.Module, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(discriminator.parameters())))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_r1_of_a_linear_critic_is_exactly_its_squared_weight(dtype: torch.dtype) -> None:
    weight = torch.arange(-6, 6, dtype=dtype).reshape(3, 2, 2) / 8  # exact in binary
    linear = Polynomial(weight, 1)
    _, squares = squared_gradient(linear, noise(5, 3, 2, 2).to(dtype))
    assert squares.dtype == dtype
    assert torch.equal(squares, weight.square().sum().expand(5))
    (gradient,) = weight_gradients(linear, penalty(squares, 3.0))
    assert torch.equal(gradient, 3 * weight)


def test_the_penalty_of_a_quadratic_critic_is_its_closed_form() -> None:
    weight, images = noise(1, 4, 4), noise(6, 1, 4, 4, seed=1)
    quadratic = Polynomial(weight, 2)
    scores, squares = squared_gradient(quadratic, images)
    torch.testing.assert_close(scores, (weight * images**2).sum(dim=(1, 2, 3)))
    torch.testing.assert_close(squares, (2 * weight * images).square().sum(dim=(1, 2, 3)))
    (gradient,) = weight_gradients(quadratic, penalty(squares, 0.5))
    torch.testing.assert_close(gradient, 0.25 * (8 * weight * images**2).mean(dim=0))


@both_ways
@pytest.mark.parametrize("classes", [0, 2])
def test_gradients_by_the_weights_pass_gradcheck(squared: Squared, classes: int) -> None:
    discriminator, images = critic(classes=classes, channels=1), noise(3, 1, 16, 16)
    labels = torch.tensor([0, 1, 1]) if classes else None

    def loss(*_: Tensor) -> Tensor:  # gradcheck nudges the weights in place
        scores, squares = squared(discriminator, images, labels)
        return softplus(-scores).mean() + penalty(squares, 2.0)

    assert torch.autograd.gradcheck(loss, tuple(discriminator.parameters()))


@pytest.mark.parametrize(("base", "stages"), [((4, 4), 1), ((4, 4), 4), ((5, 7), 2), ((6, 10), 3)])
@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(("classes", "channels"), [(0, 3), (3, 1)])
def test_the_adjoint_equals_differentiating_twice(
    base: tuple[int, int], stages: int, slope: float, classes: int, channels: int
) -> None:
    discriminator = critic(base=base, stages=stages, slope=slope, classes=classes, channels=channels)
    images = noise(4, channels, base[0] << stages, base[1] << stages)
    labels = torch.tensor([2, 0, 1, 0]) if classes else None
    plain = discriminator(images, labels)
    results, gradients = [], []
    for squared in (squared_gradient, squared_gradient_by_adjoint):
        scores, squares = squared(discriminator, images, labels)
        torch.testing.assert_close(scores, plain, rtol=0, atol=1e-10)
        results.append(squares)
        gradients.append(weight_gradients(discriminator, softplus(-scores).mean() + penalty(squares, 1.0)))
    torch.testing.assert_close(*results, rtol=0, atol=1e-10)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)


@both_ways
def test_an_images_square_does_not_depend_on_its_neighbours(squared: Squared) -> None:
    discriminator, images = critic(), noise(5, 3, 16, 16)
    _, together = squared(discriminator, images, None)
    alone = torch.cat([squared(discriminator, image[None], None)[1] for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=0)


@both_ways
def test_nothing_reaches_the_generator(squared: Squared) -> None:
    generator, discriminator = Generator((4, 4), 2, width=2, latent_size=5).double(), critic()
    fake = generator(noise(3, 5))
    scores, squares = squared(discriminator, fake, None)
    (scores.mean() + penalty(squares, 1.0)).backward()
    assert all(weight.grad is None for weight in generator.parameters())
    assert all(weight.grad is not None for weight in discriminator.parameters())


@both_ways
def test_batch_normalisation_is_refused_with_the_setting_that_helps(squared: Squared) -> None:
    discriminator, images = critic(norm=True), noise(2, 3, 16, 16)
    with pytest.raises(UserError, match=r"model\.discriminator_norm=false"):
        squared(discriminator, images, None)
    with pytest.raises(UserError, match=r"model\.discriminator_norm=false"):
        scores_and_penalty(discriminator, images, gamma=1.0)


def test_the_adjoint_is_offered_only_where_it_is_exact() -> None:
    assert has_adjoint(critic()) and has_adjoint(critic(classes=2, slope=0.0))
    others = [critic() for _ in range(3)]
    first, *_ = others[0].blocks
    first.norm = nn.InstanceNorm2d(2)
    spectral_norm(others[1].to_score)
    others[2].to_score = nn.Conv2d(4, 1, 4)  # has a bias
    assert not any(has_adjoint(other) for other in (*others, critic(norm=True), Polynomial(torch.ones(3, 1, 1), 2)))


def test_the_adjoint_takes_the_penalty_back_to_the_image_before_it_was_augmented() -> None:
    discriminator, images = critic(), noise(6, 3, 16, 16)
    draws = 2 * torch.rand(6, NUM_DRAWS, generator=torch.Generator().manual_seed(3)) - 1
    view = View(("colour", "translation", "cutout"), draws.double(), 0.8)
    results = [
        squared(discriminator, images, None, view) for squared in (squared_gradient, squared_gradient_by_adjoint)
    ]
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)
    gradients = [weight_gradients(discriminator, penalty(squares, 1.0)) for _, squares in results]
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)
    torch.testing.assert_close(results[0][0], discriminator(view(images)))


def test_what_is_cut_out_or_moved_away_does_not_count_for_the_penalty() -> None:
    """Of a linear critic, R1 of an augmented image is the squared weight of what can still be seen."""
    linear, images = Polynomial(torch.ones(1, 16, 16).double(), 1), noise(1, 1, 16, 16)
    middle = torch.zeros(1, NUM_DRAWS).double()
    for policy, left in (("cutout", 16 * 16 - 8 * 8), ("translation", 14 * 14)):
        draws = torch.full_like(middle, -0.999) if policy == "translation" else middle
        _, squares = squared_gradient(linear, images, None, View((policy,), draws, 1.0))
        assert squares.item() == pytest.approx(left)


def test_a_part_of_an_augmented_batch_is_augmented_as_the_whole() -> None:
    discriminator, images = critic(), noise(4, 3, 16, 16)
    draws = 2 * torch.rand(4, NUM_DRAWS, generator=torch.Generator().manual_seed(1)) - 1
    view = View(("translation",), draws, 1.0)
    scores, _ = scores_and_penalty(discriminator, images, gamma=1.0, share=0.5, view=view)
    torch.testing.assert_close(scores, discriminator(view(images)))


def test_a_part_of_the_batch_pays_the_same_in_expectation() -> None:
    discriminator, images, labels = critic(classes=8), noise(8, 3, 16, 16), torch.arange(8)
    plain = discriminator(images, labels)
    _, whole = scores_and_penalty(discriminator, images, labels, gamma=2.0)
    shares = []
    for shift in range(8):
        scores, part = scores_and_penalty(
            discriminator, images.roll(shift, 0), labels.roll(shift), gamma=2.0, share=0.25
        )
        torch.testing.assert_close(scores, plain.roll(shift))
        shares.append(part)
    assert max(shares) > 1.01 * min(shares)
    torch.testing.assert_close(torch.stack(shares).mean(), whole)


def test_without_gamma_nothing_is_paid_and_batch_normalisation_is_welcome() -> None:
    discriminator, images = critic(norm=True), noise(4, 3, 16, 16)
    scores, nothing = scores_and_penalty(discriminator, images, gamma=None)
    assert torch.equal(scores, discriminator(images)) and nothing == 0


@pytest.mark.parametrize("spectral", [False, True])
def test_small_maps_in_bfloat16_can_be_differentiated_twice(spectral: bool) -> None:
    """Their weight gradients are products of our own there."""
    discriminator, images = critic(stages=3).float(), noise(16, 3, 32, 32).float()
    if spectral:
        normalise_spectrally(discriminator)
    gradients = []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            _, squares = squared_gradient(discriminator, images)
        gradients.append(torch.cat([part.flatten() for part in weight_gradients(discriminator, squares.mean())]))
    assert (gradients[1] - gradients[0]).norm() < 0.05 * gradients[0].norm()


@both_ways
def test_bfloat16_convolutions_give_float32_penalties_close_to_exact_ones(squared: Squared) -> None:
    discriminator, images = critic(stages=3).float(), noise(16, 3, 32, 32).float()
    gradients, squares = [], []
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            scores, square = squared(discriminator, images, None)
        assert scores.dtype == square.dtype == torch.float32
        squares.append(square)
        loss = softplus(-scores).mean() + penalty(square, 1.0)
        gradients.append(torch.cat([gradient.flatten() for gradient in weight_gradients(discriminator, loss)]))
    torch.testing.assert_close(squares[1], squares[0], rtol=0.05, atol=0.05 * squares[0].mean().item())
    assert gradients[1].isfinite().all()
    assert (gradients[1] - gradients[0]).norm() < 0.05 * gradients[0].norm()


@both_ways
def test_a_broken_image_is_not_hidden(squared: Squared) -> None:
    images = noise(2, 3, 16, 16)
    images[0, 0, 8, 8] = torch.nan
    scores, _ = squared(critic(), images, None)
    assert scores.isnan().tolist() == [True, False]
