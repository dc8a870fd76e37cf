import pytest
import torch

from dcgan.settings.recipes import recipe
from dcgan.training.penalties import squared_gradient
from dcgan.training.setup import new_state, rules_of
from dcgan.training.shards import Part
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules, frozen, update_both, update_discriminator, update_generator

CONFIG = recipe("modern").asked({
    "data.height": 16, "data.width": 16, "model.image_channels": 3, "model.num_classes": 0, "model.latent_size": 8,
    "model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 4, "hardware.precision": "fp32",
})  # fmt: skip


@pytest.fixture
def state() -> TrainingState:
    torch.set_num_threads(1)
    return new_state(CONFIG, torch.device("cpu"))


@pytest.fixture
def rules() -> Rules:
    return rules_of(CONFIG, torch.device("cpu"))


def copied(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(before: dict[str, torch.Tensor], network: torch.nn.Module) -> bool:
    return all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_discriminators_turn_leaves_the_generator_untouched(state: TrainingState, rules: Rules) -> None:
    fake = state.generator(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)))
    before = copied(state.generator)
    update_discriminator(state, [Part(torch.zeros(4, 3, 16, 16), fake=fake)], rules)
    assert same(before, state.generator)
    assert all(weight.grad is None for weight in state.generator.parameters())


def test_the_generators_turn_leaves_the_discriminators_weights_untouched(state: TrainingState, rules: Rules) -> None:
    fake = state.generator(torch.zeros(4, 8))
    before = {name: weight.clone() for name, weight in state.discriminator.named_parameters()}
    update_generator(state, [Part(torch.zeros(4, 3, 16, 16), fake=fake)], rules)
    assert all(torch.equal(before[name], weight) for name, weight in state.discriminator.named_parameters())
    assert all(weight.grad is None and weight.requires_grad for weight in state.discriminator.parameters())


def test_a_frozen_network_thaws_even_after_an_error() -> None:
    network = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="on purpose"), frozen(network):
        assert not network.weight.requires_grad
        raise RuntimeError("on purpose")
    assert network.weight.requires_grad


def test_each_turn_lowers_its_own_loss(state: TrainingState, rules: Rules) -> None:
    real, noise = torch.full((4, 3, 16, 16), 0.5), torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    first, *_ = update_both(state, real, noise, None, rules)
    for _ in range(20):
        fake = state.generator(noise)
        last, *_ = update_discriminator(state, [Part(real, fake=fake)], rules)
    assert last < 0.8 * first


def test_a_penalty_keeps_the_discriminator_flat() -> None:
    flat, steep = (
        CONFIG.asked({"model.discriminator_norm": False, "training.real_penalty": g, "training.fake_penalty": g})
        for g in (10.0, 0.0)
    )
    squares = []
    for config in (flat, steep):
        state, rules = new_state(config, torch.device("cpu")), rules_of(config, torch.device("cpu"))
        real = torch.full((4, 3, 16, 16), 0.5)
        for _ in range(50):
            update_discriminator(state, [Part(real, fake=-real)], rules)
        squares.append(squared_gradient(state.discriminator, real)[1].mean().item())
    assert squares[0] < 0.5 * squares[1]


@pytest.mark.skipif(not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="no bfloat16 on this processor")
def test_bfloat16_gives_nearly_the_same_losses() -> None:
    losses = {}
    for precision in ("fp32", "bf16"):
        config = CONFIG.asked({"hardware.precision": precision})
        state, rules = new_state(config, torch.device("cpu")), rules_of(config, torch.device("cpu"))
        noise = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
        losses[precision] = [update_both(state, torch.zeros(4, 3, 16, 16), noise, None, rules)[:2] for _ in range(3)]
    for wide, narrow in zip(losses["fp32"], losses["bf16"], strict=True):
        torch.testing.assert_close(torch.stack(wide), torch.stack(narrow), rtol=0.1, atol=0.05)
