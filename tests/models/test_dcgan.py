from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dcgan.models.build import build
from dcgan.models.dcgan import Discriminator, channels_at
from dcgan.models.layers import DiscriminatorBlock, GeneratorBlock, enlarged, reduced
from dcgan.notation import stages
from dcgan.settings.knobs import ModelConfig
from dcgan.settings.recipes import recipe

SIZES = [(16, 16), (20, 20), (28, 28), (32, 32), (40, 40), (48, 80), (64, 96), (96, 64)]


def small(**changes: object) -> ModelConfig:
    return ModelConfig(generator_width=4, discriminator_width=4, image_channels=3, num_classes=0, **changes)


@given(size=st.integers(1, 12), kernel=st.integers(1, 5), stride=st.integers(1, 3), padding=st.integers(0, 2))
def test_the_written_arithmetic_is_that_of_the_layers(size: int, kernel: int, stride: int, padding: int) -> None:
    if enlarged(size, kernel, stride, padding) >= 1 and padding < kernel:
        block = GeneratorBlock(1, 1, kernel=kernel, stride=stride, padding=padding).eval()
        assert block(torch.zeros(1, 1, size, size)).shape[-1] == enlarged(size, kernel, stride, padding)
    if size + 2 * padding >= kernel:
        block = DiscriminatorBlock(1, 1, kernel=kernel, stride=stride, padding=padding).eval()
        assert block(torch.zeros(1, 1, size, size)).shape[-1] == reduced(size, kernel, stride, padding)


@given(size=st.integers(1, 10_000))
def test_halving_undoes_doubling(size: int) -> None:
    assert enlarged(size) == 2 * size
    assert reduced(enlarged(size)) == size


def test_the_chapters_blocks_have_the_chapters_shapes() -> None:
    assert GeneratorBlock(3, 20)(torch.zeros(2, 3, 16, 16)).shape == (2, 20, 32, 32)
    assert GeneratorBlock(3, 20, stride=1, padding=0)(torch.zeros(2, 3, 1, 1)).shape == (2, 20, 4, 4)
    assert DiscriminatorBlock(3, 20)(torch.zeros(2, 3, 16, 16)).shape == (2, 20, 8, 8)


@pytest.mark.promise("The networks of the chapter have its number of parameters.")
def test_the_chapters_networks_have_the_chapters_parameters() -> None:
    config = recipe("d2l").asked({"model.image_channels": 3, "model.num_classes": 0})
    generator, discriminator = build(config.model, 64, 64, seed=0)
    assert sum(weight.numel() for weight in generator.parameters()) == 3_576_704
    assert sum(weight.numel() for weight in discriminator.parameters()) == 2_765_696
    images = generator.eval()(torch.zeros(1, 100))
    assert images.shape == (1, 3, 64, 64)
    assert discriminator.eval()(images).shape == (1,)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_any_size_is_made_and_judged(height: int, width: int) -> None:
    generator, discriminator = build(small(), height, width, seed=0)
    images = generator(torch.zeros(2, 100))
    assert images.shape == (2, 3, height, width)
    assert discriminator(images).shape == (2,)


def test_256_pixels_and_seven_channels_are_made_and_judged() -> None:
    config = ModelConfig(generator_width=2, discriminator_width=2, image_channels=7, num_classes=0)
    generator, discriminator = build(config, 256, 256, seed=0)
    assert discriminator(generator(torch.zeros(2, 100))).shape == (2,)


def test_channels_double_with_each_halving_up_to_eight_times() -> None:
    assert [channels_at(stage, 64) for stage in range(6)] == [64, 128, 256, 512, 512, 512]


@pytest.mark.parametrize("slope", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
def test_the_slope_is_that_of_the_negative_half(slope: float) -> None:
    block = DiscriminatorBlock(1, 1, kernel=1, stride=1, padding=0, negative_slope=slope, norm=False)
    torch.nn.init.ones_(block.convolution.weight)
    x = torch.linspace(-2, 2, 41).reshape(41, 1, 1, 1)
    torch.testing.assert_close(block(x.clone()), torch.where(x > 0, x, slope * x))


def test_labels_reach_both_networks() -> None:
    config = ModelConfig(generator_width=4, discriminator_width=4, image_channels=1, num_classes=3)
    generator, discriminator = build(config, 16, 16, seed=0)
    latents = torch.zeros(3, 100)
    images = generator.eval()(latents, torch.tensor([0, 1, 2]))
    assert not torch.equal(images[0], images[1])
    same = images[:1].expand(3, -1, -1, -1)
    scores = discriminator.eval()(same, torch.tensor([0, 1, 2]))
    assert len(set(scores.tolist())) == 3


@pytest.mark.parametrize(("norm", "norm_first", "bias", "blind"), [
    (True, False, 0.0, True), (True, True, 0.0, True), (True, False, 0.5, False), (False, False, 0.0, False),
])  # fmt: skip
def test_with_normalisation_and_without_a_bias_no_score_tells_the_contrast(
    norm: bool, norm_first: bool, bias: float, blind: bool
) -> None:
    torch.manual_seed(0)
    discriminator = Discriminator((4, 4), 3, width=4, norm=norm, norm_first=norm_first, bias=bias > 0).double()
    if bias:
        torch.nn.init.uniform_(discriminator.blocks[0].convolution.bias, -bias, bias)
    images = torch.rand(8, 3, 32, 32, dtype=torch.float64) * 2 - 1
    faint, strong = discriminator(images / 2), discriminator(images)
    change = (faint - strong).norm() / strong.norm()
    assert change < 0.01 if blind else change > 0.1, change


def test_the_bias_is_of_the_first_layer_and_begins_at_zero() -> None:
    config = ModelConfig(image_channels=3, num_classes=0, discriminator_bias=True)
    biased, plain = (build(replace(config, discriminator_bias=on), 16, 16, seed=0)[1] for on in (True, False))
    extra = {name: tensor for name, tensor in biased.state_dict().items() if name not in plain.state_dict()}
    assert {name: tensor.tolist() for name, tensor in extra.items()} == {"blocks.0.convolution.bias": [0.0] * 64}
    assert all(torch.equal(biased.state_dict()[name], tensor) for name, tensor in plain.state_dict().items())


@pytest.mark.promise("The first weights depend on the seed and on nothing else.")
def test_first_weights_depend_on_the_seed_and_on_nothing_else() -> None:
    first, again, other = (build(small(), 16, 16, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    torch.manual_seed(123)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["to_image.weight"], other["to_image.weight"])


@pytest.mark.parametrize(("initialization", "gain"), [("weights", 1.0), ("everything", 0.0)])
def test_first_weights_have_the_published_mean_and_spread(initialization: str, gain: float) -> None:
    config = ModelConfig(image_channels=3, num_classes=0, initialization=initialization)
    generator, _ = build(config, 64, 64, seed=0)
    convolution, norm = generator.blocks[0].product.weight, generator.blocks[0].norm
    assert convolution.mean().item() == pytest.approx(0, abs=1e-4)
    assert convolution.std().item() == pytest.approx(0.02, rel=0.01)
    assert norm.weight.mean().item() == pytest.approx(gain, abs=0.005)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.15)
    assert norm.bias.std().item() == pytest.approx(0.02 if initialization == "everything" else 0, rel=0.15)


def test_every_allowed_size_has_one_base_of_four_to_seven() -> None:
    for stage in range(2, 7):
        for base in (4, 5, 6, 7):
            if base << stage <= 256:
                assert stages(base << stage, base << stage) == stage
