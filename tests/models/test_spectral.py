import copy

import pytest
import torch
from torch import nn
from torch.linalg import matrix_norm

from dcgan.models.build import build
from dcgan.models.dcgan import Discriminator
from dcgan.models.spectral import SpectralNorm, iterate
from dcgan.settings.knobs import ModelConfig
from dcgan.settings.recipes import recipe
from dcgan.training.setup import new_state, rules_of
from dcgan.training.shards import Part
from dcgan.training.step import update_both, update_generator

MODEL = {"model.generator_width": 4, "model.discriminator_width": 4, "model.discriminator_norm": False,
         "model.spectral_norm": True, "model.image_channels": 3, "model.num_classes": 3}  # fmt: skip
CONFIG = recipe("modern").asked(MODEL | {"data.height": 16, "data.width": 16, "hardware.precision": "fp32"})


def discriminator(*, spectral_norm: bool = True, seed: int = 0) -> Discriminator:
    config = ModelConfig(
        generator_width=4, discriminator_width=4, image_channels=3, num_classes=3, discriminator_norm=False,
        spectral_norm=spectral_norm,
    )  # fmt: skip
    return build(config, 16, 16, seed=seed)[1]


def weights(network: Discriminator) -> list[torch.Tensor]:
    return [layer.weight.flatten(1) for layer in network.modules() if type(layer).__name__.startswith("Parametrized")]


def test_the_largest_singular_value_of_every_weight_is_one() -> None:
    network = discriminator()
    for _ in range(100):
        iterate(network)
    norms = [matrix_norm(weight, 2).item() for weight in weights(network)]
    assert norms == pytest.approx([1.0] * 4, rel=1e-3), "two convolutions, the score, the classes"


def test_it_is_close_to_one_from_the_start_and_stays_so_while_training() -> None:
    torch.set_num_threads(1)
    state = new_state(CONFIG, torch.device("cpu"))
    rules = rules_of(CONFIG, torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        norms = [matrix_norm(weight, 2).item() for weight in weights(state.discriminator)]
        assert norms == pytest.approx([1.0] * 4, rel=0.1)
        real, noise = torch.randn(8, 3, 16, 16, generator=generator), torch.randn(8, 100, generator=generator)
        update_both(state, real, noise, torch.arange(8) % 3, rules)


def test_weights_are_only_divided() -> None:
    plain, normalised = discriminator(spectral_norm=False), discriminator()
    layers = [layer for layer in plain.modules() if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding)]
    for layer, weight in zip(layers, weights(normalised), strict=True):
        ratio = layer.weight.flatten(1) / weight
        torch.testing.assert_close(ratio, ratio.mean().expand(ratio.shape), rtol=1e-4, atol=0)


def test_one_iteration_in_the_turn_of_the_discriminator_and_none_in_that_of_the_generator() -> None:
    state = new_state(CONFIG, torch.device("cpu"))
    rules, labels = rules_of(CONFIG, torch.device("cpu")), torch.arange(8) % 3
    expected = copy.deepcopy(state.discriminator)
    iterate(expected)
    real, noise = torch.zeros(8, 3, 16, 16), torch.zeros(8, 100)
    update_both(state, real, noise, labels, rules)
    before = {name: tensor.clone() for name, tensor in state.discriminator.named_buffers()}
    assert before.keys() == dict(expected.named_buffers()).keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in expected.named_buffers())
    update_generator(state, [Part(real, noise, labels, fake=state.generator(noise, labels))], rules)
    assert all(torch.equal(before[name], tensor) for name, tensor in state.discriminator.named_buffers())


def test_the_gradient_is_that_of_the_weight_over_its_largest_singular_value() -> None:
    weight = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    norm = SpectralNorm(weight).double()
    for _ in range(500):
        norm.iterate(weight)
    target = torch.arange(weight.numel()).double().reshape(weight.shape)
    (ours,) = torch.autograd.grad((norm(weight) * target).sum(), weight)
    exact = weight / matrix_norm(weight.flatten(1), 2)
    (theirs,) = torch.autograd.grad((exact * target).sum(), weight)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


def test_first_singular_vectors_depend_on_the_seed_alone() -> None:
    first, again, other = (dict(discriminator(seed=seed).named_buffers()) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first if len(first[name]) > 1)
