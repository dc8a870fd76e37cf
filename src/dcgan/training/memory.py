"""How much memory a step takes, counted without taking it: on tensors that have a size and no content."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode  # what torch.compile traces with; torch has no public name for it
from torch.autograd.graph import saved_tensors_hooks

from dcgan.settings.config import Config
from dcgan.training.penalties import scores_and_penalty
from dcgan.training.setup import new_state, rules_of
from dcgan.training.state import TrainingState

WORKING_MAPS = 4  # of the largest, in float32: gradients on their way, and copies in the order that a kernel wants


class Memory(NamedTuple):
    """In bytes."""

    state: int
    """What a checkpoint holds."""
    step: int
    """What a step takes besides."""


def memory_of(config: Config) -> Memory:
    """Of a resolved config."""
    state = new_state(config, torch.device("cpu"), blank=True)
    with FakeTensorMode(allow_non_fake_inputs=True):
        kept = _kept(state, config)
        gradients = sum(
            weight.nbytes for network in (state.generator, state.discriminator) for weight in network.parameters()
        )
        maps = sum(tensor.untyped_storage().nbytes() for tensor in kept)
        largest = max(tensor.numel() for tensor in kept)
        of_state = sum(tensor.nbytes for tensor in state.tensors().values())
    return Memory(of_state, gradients + maps + WORKING_MAPS * 4 * largest)


def _kept(state: TrainingState, config: Config) -> list[Tensor]:
    """What autograd keeps when most is kept: of the fakes, and of the scores of real and fake images."""
    rules, count = rules_of(config, torch.device("cpu")), config.training.batch_size
    own = {tensor.untyped_storage()._cdata for tensor in state.tensors().values()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if (storage := tensor.untyped_storage()._cdata) not in own:
            kept[storage] = tensor
        return tensor

    latents = torch.zeros(count, config.model.latent_size)
    labels = torch.zeros(count, dtype=torch.int64) if config.model.num_classes else None
    with saved_tensors_hooks(keep, lambda tensor: tensor), rules.precision():
        fake = state.generator(latents, labels)
        for gamma in (rules.real_gamma, rules.fake_gamma):
            scores_and_penalty(state.discriminator, fake, labels, gamma=gamma, share=rules.penalised_share)
    return list(kept.values())
