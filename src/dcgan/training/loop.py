"""Yields a StepReport per step. The caller decides when to look, save or stop; between two items the state is whole."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from dcgan.data.pixels import to_images
from dcgan.knobs import TrainingConfig
from dcgan.training.average import decay, update_average
from dcgan.training.feed import Feed, Inputs
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules, StepReport, update_both

Advance = Callable[[Inputs, float], Tensor]
"""One step: inputs and the weight that the old average keeps → the four numbers of a StepReport, on the device."""


def train_steps(
    state: TrainingState, feed: Feed, advance: Advance, *, training: TrainingConfig
) -> Iterator[StepReport]:
    """Train until ``training.images`` were seen, one step per item. Closing the iterator leaves the state whole."""
    assert training.images is not None, training
    while state.images_seen < training.images:
        inputs = feed.at(state.images_seen, state.attempt)
        count = len(inputs.pixels)
        numbers = advance(inputs, _kept(training, count, state.images_seen + count))
        state.images_seen += count
        yield StepReport(state.images_seen, *numbers.unbind())


def advance_by(state: TrainingState, rules: Rules, inputs: Inputs, kept: float | Tensor) -> Tensor:
    """One step and its book-keeping, nothing of which waits for the device or depends on anything but tensors."""
    real = to_images(inputs.pixels)
    numbers = torch.stack(update_both(state, real, inputs.latents, inputs.labels, rules))
    if rules.summed:
        numbers = torch.cat([numbers[:2] / len(real), numbers[2:]])
    if state.average is not None:
        update_average(state.average, state.generator, kept)
    weighted = len(real) * torch.cat([torch.ones_like(numbers[:1]), numbers]).to(state.journal_sums.dtype)
    state.journal_sums += weighted
    state.epoch_sums += weighted
    return numbers


def _kept(training: TrainingConfig, count: int, images_seen: int) -> float:
    half_life, warmup = training.average_half_life, training.average_warmup
    return 0.0 if half_life is None else decay(count, images_seen=images_seen, half_life=half_life, warmup=warmup)
