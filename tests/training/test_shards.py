"""A batch in parts: the same gradient, added by one tree, whichever process computes which part."""

import copy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dcgan.errors import UserError
from dcgan.randomness import latents
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.tensors import aligned
from dcgan.training.feed import draws_of
from dcgan.training.setup import new_state, rules_of
from dcgan.training.shards import Shards, tree_sum
from dcgan.training.state import TrainingState
from dcgan.training.step import update_both

CPU = torch.device("cpu")
CONFIG = recipe("modern").asked({
    "data.height": 16, "data.width": 16, "model.image_channels": 3, "model.num_classes": 0, "model.latent_size": 8,
    "model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": 16, "hardware.precision": "fp32",
})  # fmt: skip
NORMED = CONFIG.asked({"model.discriminator_norm": True, "training.objective": "bce"})
PLAIN = CONFIG.asked({
    "model.family": "residual", "model.discriminator_norm": False, "training.objective": "relativistic",
    "training.real_penalty": 1.0, "training.fake_penalty": 1.0, "training.augmentation": "colour,translation",
    "training.augmentation_schedule": "adaptive",
})  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def in_shards(config: Config, count: int) -> Config:
    return config.asked({"training.shards": count})


def doubled(config: Config) -> TrainingState:
    """A state in float64, so that what should be equal is nearly so."""
    state = new_state(config, CPU)
    for network in (state.generator, state.discriminator):
        network.double()
    for optimizer in (state.generator_optimizer, state.discriminator_optimizer):
        optimizer.state.clear()
    return state


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Real images, latents and draws of a batch of 16."""
    real = torch.tanh(latents(0, 16, 3 * 16 * 16, seed=5)).view(16, 3, 16, 16)
    return real.double(), latents(0, 16, 8, seed=6).double(), draws_of(0, 16, seed=7)


def differences(one: TrainingState, other: TrainingState) -> dict[str, float]:
    theirs = other.tensors()
    return {
        name: (tensor.double() - theirs[name].double()).abs().max().item() for name, tensor in one.tensors().items()
    }


def test_terms_are_added_in_pairs_and_pairs_of_pairs() -> None:
    numbers = [1.0, 1e8, -1e8, 1.0, 3.0, 2.0, 1.0, 1.0]
    terms = [partial(torch.tensor, [number], dtype=torch.float32) for number in numbers]
    a, b, c, d, e, f, g, h = (term() for term in terms)
    assert torch.equal(tree_sum(terms), ((a + b) + (c + d)) + ((e + f) + (g + h)))
    assert not torch.equal(tree_sum(terms), sum((b, c, d, e, f, g, h), a)), "another order gives another sum"


@pytest.mark.parametrize("count", [2, 8])
def test_without_batch_statistics_parts_take_the_step_of_the_whole_batch(count: int) -> None:
    whole, parts = doubled(PLAIN), doubled(PLAIN)
    real, noise, draws = inputs()
    for _ in range(2):
        one = update_both(whole, real, noise, None, rules_of(PLAIN, CPU), draws=draws)
        other = update_both(parts, real, noise, None, rules_of(in_shards(PLAIN, count), CPU), draws=draws)
        torch.testing.assert_close(torch.stack(one), torch.stack(other), rtol=1e-9, atol=1e-12)
    assert max(differences(whole, parts).values()) < 1e-9


def test_every_part_has_its_own_batch_statistics_and_the_step_is_that_of_their_mean() -> None:
    """Against the same step written out for two halves with nothing but autograd."""
    config = in_shards(NORMED, 2)
    state, by_hand = doubled(config), doubled(config)
    real, noise, _ = inputs()
    update_both(state, real, noise, None, rules_of(config, CPU))

    halves = [(real[:8], noise[:8]), (real[8:], noise[8:])]
    generators = [copy.deepcopy(by_hand.generator) for _ in halves]
    judges = [copy.deepcopy(by_hand.discriminator) for _ in halves]
    rules = rules_of(config, CPU)
    fakes = [generator(latents) for generator, (_, latents) in zip(generators, halves, strict=True)]
    for judge, (images, _), fake in zip(judges, halves, fakes, strict=True):
        rules.discriminator_loss(judge(images), judge(fake.detach())).backward()
    step(by_hand.discriminator, judges, by_hand.discriminator_optimizer)
    for judge, fake in zip(judges, fakes, strict=True):
        judge.load_state_dict(by_hand.discriminator.state_dict())
        rules.generator_loss(judge(fake)).backward()
    step(by_hand.generator, generators, by_hand.generator_optimizer)
    mean_buffers(by_hand.discriminator, judges)
    assert max(differences(state, by_hand).values()) < 1e-9


def step(network: nn.Module, copies: list[Any], optimizer: torch.optim.Optimizer) -> None:
    """Take a step by the mean gradient of the copies, and their mean buffers."""
    for weight, *others in zip(network.parameters(), *(one.parameters() for one in copies), strict=True):
        weight.grad = (others[0].grad + others[1].grad) / 2
    optimizer.step()
    mean_buffers(network, copies)


@torch.no_grad()
def mean_buffers(network: nn.Module, copies: list[Any]) -> None:
    for buffer, *others in zip(network.buffers(), *(one.buffers() for one in copies), strict=True):
        buffer.copy_((others[0] + others[1]) / 2)


@pytest.mark.parametrize("config", [NORMED, PLAIN], ids=["normalised", "penalised and augmented"])
@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.promise("Which process computes which part of a batch changes no bit of what is learned.")
def test_who_computes_which_part_changes_no_bit(config: Config, processes: int) -> None:
    """The other processes are played one after the other: each sees its part of the batch, and sums that it is told."""
    config = in_shards(config, 4)
    real, noise, draws = (tensor.float() for tensor in inputs())
    alone = new_state(config, CPU)
    update_both(alone, real, noise, None, rules_of(config, CPU), draws=draws)

    exchanged: list[list[Tensor]] = [[], []]  # of the first turn and of the second
    for turn in range(3):
        for rank in range(processes):
            rows = slice(rank * 16 // processes, (rank + 1) * 16 // processes)
            mine = [aligned(tensor[rows].numpy()) for tensor in (real, noise, draws)]
            state, calls = new_state(config, CPU), iter(range(2))

            def exchange(sums: Tensor, calls: Any = calls, turn: int = turn) -> None:
                call = next(calls)
                if call == turn:
                    exchanged[call].append(sums.clone())
                elif call < turn:
                    sums.copy_(tree_sum([term.clone for term in exchanged[call]]))

            rules = replace(rules_of(config, CPU), shards=Shards(4, processes, exchange))
            update_both(state, mine[0], mine[1], None, rules, draws=mine[2])
    different = [name for name, tensor in alone.tensors().items() if not torch.equal(tensor, state.tensors()[name])]
    assert different == []


def test_a_step_counts_once_however_many_parts_it_has() -> None:
    config = in_shards(NORMED, 8)
    state = new_state(config, CPU)
    real, noise, _ = inputs()
    update_both(state, real.float(), noise.float(), None, rules_of(config, CPU))
    counts = {name: int(tensor) for name, tensor in state.tensors().items() if name.endswith("num_batches_tracked")}
    once = new_state(NORMED, CPU)
    update_both(once, real.float(), noise.float(), None, rules_of(NORMED, CPU))
    assert counts and all(int(once.tensors()[name]) == count for name, count in counts.items())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"training.shards": 3}, "must be 1, 2, 4, 8"),
        ({"training.shards": 0}, "must be 1, 2, 4, 8"),
        ({"training.shards": 32}, "must divide a batch of 16 into parts of at least 2"),
        ({"training.batch_size": 12, "training.shards": 8}, "must divide a batch of 12"),
        ({"training.shards": 2, "training.short_last_batch": True}, "needs full batches"),
        ({"training.shards": 2, "training.reduction": "sum"}, "training.reduction=mean"),
    ],
)
def test_a_batch_that_does_not_divide_into_equal_parts_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match="training.shards = .*" + told):
        CONFIG.asked(changes)
