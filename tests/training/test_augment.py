import pytest
import torch
from torch import Tensor

from dcgan.training.augment import (
    NUM_DRAWS,
    POLICIES,
    StrengthController,
    View,
    colour,
    cutout,
    mirrored,
    shift,
    translation,
)
from dcgan.training.feed import draws_of

every_policy = pytest.mark.parametrize("policy", POLICIES)
SHAPE = (16, 24)


def pictures(count: int = 64, channels: int = 3) -> Tensor:
    return torch.rand(count, channels, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def every(count: int) -> Tensor:
    return torch.ones(count, dtype=torch.bool)


@every_policy
def test_at_strength_zero_nothing_changes_not_even_a_bit(policy: str) -> None:
    images, draws = pictures(), draws_of(0, 64, seed=1)
    assert torch.equal(View((policy,), draws, 0.0)(images), images)
    assert torch.equal(View((policy,), draws, torch.zeros(()))(images), images)


@every_policy
def test_the_strength_is_the_probability_for_each_image(policy: str) -> None:
    images, draws = pictures(2000, 1), draws_of(0, 2000, seed=1)
    for strength in (0.3, 1.0):
        changed = (View((policy,), draws, strength)(images) != images).flatten(1).any(dim=1)
        still = 0.25 if policy in ("translation", "shift") else 0  # a fifth by a fifth stays where it is
        assert changed.float().mean().item() == pytest.approx(strength, abs=0.05 + still * strength)


def test_policies_are_chosen_independently() -> None:
    images, draws = pictures(2000), draws_of(0, 2000, seed=3)
    changed = [(View((policy,), draws, 0.5)(images) != images).flatten(1).any(dim=1) for policy in ("colour", "cutout")]
    assert (changed[0] & changed[1]).float().mean().item() == pytest.approx(0.25, abs=0.05)


def test_an_image_is_augmented_by_its_own_draws_whatever_its_neighbours() -> None:
    images, view = pictures(), View(tuple(POLICIES), draws_of(0, 64, seed=1), 0.7)
    torch.testing.assert_close(view[10:20](images[10:20]), view(images)[10:20], rtol=1e-5, atol=1e-6)
    assert torch.equal(draws_of(10, 10, seed=1), draws_of(0, 64, seed=1)[10:20])
    assert not torch.equal(draws_of(0, 9, seed=1), draws_of(0, 9, seed=1, attempt=1))


def test_translation_moves_by_whole_pixels_up_to_an_eighth() -> None:
    images = pictures(5, 2)
    for draw, rows, columns in ((-0.999, -2, -3), (0.0, 0, 0), (0.999, 2, 3)):
        moved = translation(images, every(5), torch.full((5,), draw), torch.full((5,), draw))
        expected = torch.zeros_like(images)
        height, width = SHAPE
        expected[:, :, max(0, rows) : height + min(0, rows), max(0, columns) : width + min(0, columns)] = images[
            :, :, max(0, -rows) : height - max(0, rows), max(0, -columns) : width - max(0, columns)
        ]
        assert torch.equal(moved, expected)


def test_a_shift_moves_as_far_and_the_edges_reach_on() -> None:
    images = pictures(5, 2)
    for draw, rows, columns in ((-0.999, -2, -3), (0.0, 0, 0), (0.999, 2, 3)):
        moved = shift(images, every(5), torch.full((5,), draw), torch.full((5,), draw))
        wider = torch.nn.functional.pad(images, (3, 3, 2, 2), mode="replicate")
        assert torch.equal(moved, wider.roll((rows, columns), dims=(2, 3))[:, :, 2:-2, 3:-3])


def test_every_shift_is_as_likely() -> None:
    draws = torch.linspace(-0.9999, 0.9999, 5000)
    spot = torch.zeros(5000, 1, *SHAPE)
    spot[:, :, 8, 12] = 1
    rows = translation(spot, every(5000), draws, torch.zeros(5000)).sum(dim=(0, 1, 3))
    assert rows[6:11].tolist() == pytest.approx([1000] * 5, abs=2)
    assert rows.sum().item() == 5000


def test_cutout_takes_a_quarter_of_the_image_around_its_middle() -> None:
    cut = cutout(
        torch.ones(3, 1, *SHAPE), every(3), torch.tensor([0.0, -0.999, 0.999]), torch.tensor([0.0, -0.999, 0.999])
    )
    assert (cut == 0).sum(dim=(1, 2, 3)).tolist() == [8 * 12, 4 * 6, 4 * 6]
    assert (cut[0, 0, 4:12, 6:18] == 0).all()


def test_colours_are_those_of_their_definitions() -> None:
    images, zero = pictures(1), torch.zeros(1)
    torch.testing.assert_close(colour(images, every(1), zero, zero, zero), images)
    torch.testing.assert_close(colour(images, every(1), zero + 1, zero, zero), images + 0.5)
    grey = colour(images, every(1), zero, zero - 1, zero)
    torch.testing.assert_close(grey, images.mean(dim=1, keepdim=True).expand(images.shape))
    flat = colour(images, every(1), zero, zero, zero - 1)
    torch.testing.assert_close(flat.std(), images.std() / 2)
    torch.testing.assert_close(flat.mean(), images.mean())


def test_a_grey_image_has_no_saturation() -> None:
    images = pictures(2, 1)
    vivid = colour(images, every(2), torch.zeros(2), torch.ones(2), torch.zeros(2))
    torch.testing.assert_close(vivid, images)


@every_policy
def test_policies_can_be_differentiated_twice(policy: str) -> None:
    images = pictures(2)[:, :, :4, :8].double().requires_grad_()
    view = View((policy,), torch.full((2, NUM_DRAWS), 0.3).double(), 1.0)
    weight = torch.rand(images.shape, generator=torch.Generator().manual_seed(1)).double()

    def score(pixels: Tensor) -> Tensor:
        return (weight * view(pixels) ** 3).sum()

    assert torch.autograd.gradcheck(score, images)
    assert torch.autograd.gradgradcheck(score, images)


def test_the_gradient_of_every_image_flows() -> None:
    images = pictures().requires_grad_()
    View(tuple(POLICIES), draws_of(0, 64, seed=2), 0.5)(images).square().sum().backward()
    assert images.grad is not None
    assert (images.grad.flatten(1).abs().sum(dim=1) > 0).all()


def test_the_layout_in_memory_stays() -> None:
    images = pictures().contiguous(memory_format=torch.channels_last)
    view = View(tuple(POLICIES), draws_of(0, 64, seed=2), 0.5)
    assert view(images).is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(view(images), view(pictures()))


def test_half_of_the_images_are_mirrored_and_twice_is_never() -> None:
    images, draws = pictures(2000, 1), draws_of(0, 2000, seed=5)
    once = mirrored(images, draws)
    turned = (once != images).flatten(1).any(dim=1)
    assert turned.float().mean().item() == pytest.approx(0.5, abs=0.05)
    assert torch.equal(once[turned], images[turned].flip(3))
    assert torch.equal(mirrored(once, draws), images)


def test_the_controller_goes_a_step_towards_what_is_missing_and_starts_counting_again() -> None:
    controller = StrengthController(torch.device("cpu"))
    for sureness, expected in ((1.0, 0.1), (0.61, 0.2), (0.59, 0.1), (-1.0, 0.0), (-1.0, 0.0), (1.0, 0.1)):
        controller.observe(torch.tensor(sureness), 32)
        controller.decide(target=0.6, step=0.1, most=0.25)
        assert controller.strength.item() == pytest.approx(expected)
    for _ in range(9):
        controller.observe(torch.tensor(1.0), 32)
        controller.decide(target=0.6, step=0.1, most=0.25)
    assert controller.strength.item() == 0.25
    assert controller.sums.tolist() == [0, 0]
