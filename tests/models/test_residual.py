import pytest
import torch

from dcgan.errors import UserError
from dcgan.models.build import build
from dcgan.models.residual import ResidualBlock, ResidualGenerator
from dcgan.settings.knobs import ModelConfig


def residual(*, width: int = 4, num_classes: int = 0, **changes: object) -> ModelConfig:
    return ModelConfig(
        family="residual", generator_width=width, discriminator_width=width, image_channels=3,
        num_classes=num_classes, discriminator_norm=False, **changes,
    )  # fmt: skip


@pytest.mark.parametrize(("height", "width"), [(16, 16), (28, 28), (48, 80), (64, 64)])
def test_any_size_is_made_and_judged(height: int, width: int) -> None:
    generator, discriminator = build(residual(), height, width, seed=0)
    images = generator(torch.zeros(2, 100))
    assert images.shape == (2, 3, height, width)
    assert discriminator(images).shape == (2,)


def test_parameters_are_those_counted_by_hand() -> None:
    """32 x 32: three doublings, channels 16, 8, 4, 4 … with width 2: 16, 8, 4, 2."""
    generator, discriminator = build(residual(width=2, latent_size=10), 32, 32, seed=0)

    def convolution(before: int, after: int, side: int = 3) -> int:
        return before * after * side**2 + after

    blocks = [
        convolution(before, after) + convolution(after, after) + convolution(before, after, 1)
        for before, after in ((16, 8), (8, 4), (4, 2))
    ]
    backwards = [
        convolution(before, after) + convolution(after, after) + convolution(before, after, 1)
        for before, after in ((2, 4), (4, 8), (8, 16))
    ]
    expected = (10 + 1) * 16 * 16 + sum(blocks) + convolution(2, 3)
    assert sum(weight.numel() for weight in generator.parameters()) == expected
    expected = convolution(3, 2) + sum(backwards) + 16 * 16 + 1
    assert sum(weight.numel() for weight in discriminator.parameters()) == expected


def test_a_block_starts_as_its_shortcut() -> None:
    generator, _ = build(residual(), 16, 16, seed=0)
    assert isinstance(generator, ResidualGenerator)
    (block, *_) = generator.blocks
    assert isinstance(block, ResidualBlock)
    features = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(features), block.shortcut(features))


@pytest.mark.parametrize("size", [16, 64, 256])
def test_first_images_and_scores_are_neither_lost_nor_huge_however_deep(size: int) -> None:
    generator, discriminator = build(residual(latent_size=64), size, size, seed=0)
    images = generator(torch.randn(16, 64, generator=torch.Generator().manual_seed(0)))
    assert 0.2 < images.std().item() < 3
    assert 0.05 < discriminator(images).std().item() < 3


def test_images_are_cut_off_in_inference_and_keep_their_gradient_in_training() -> None:
    generator, _ = build(residual(), 16, 16, seed=0)
    noise = 20 * torch.randn(4, 100, generator=torch.Generator().manual_seed(0))
    training, inference = generator(noise), generator.eval()(noise)
    assert training.abs().max() > 1
    assert torch.equal(training.clamp(-1, 1), inference)
    (gradient,) = torch.autograd.grad(training.sum(), generator.to_image.bias)
    assert torch.equal(gradient, torch.full((3,), 4.0 * 16 * 16))


def test_an_image_is_judged_and_made_by_itself() -> None:
    generator, discriminator = build(residual(), 16, 16, seed=0)
    noise = torch.randn(4, 100, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(generator(noise)[:1], generator(noise[:1]))
    images = generator(noise)
    torch.testing.assert_close(discriminator(images)[:1], discriminator(images[:1]))


def test_labels_reach_both_networks() -> None:
    generator, discriminator = build(residual(num_classes=3), 16, 16, seed=0)
    images = generator(torch.zeros(3, 100), torch.arange(3))
    assert not torch.equal(images[0], images[1])
    same = images[:1].expand(3, -1, -1, -1)
    assert len(set(discriminator(same, torch.arange(3)).tolist())) == 3


def test_spectral_normalisation_is_refused() -> None:
    with pytest.raises(UserError, match="must be false: residual"):
        residual(spectral_norm=True)
