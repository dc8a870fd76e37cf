"""Yields a StepReport per step. The caller decides when to look, save or stop; between two items the state is whole."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.optim import Optimizer

from dcgan.data.pixels import to_images
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.augment import mirrored
from dcgan.training.average import update_average
from dcgan.training.feed import Feed, Inputs
from dcgan.training.schedules import Rates, learning_rate_factor, rates_at
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules, StepReport, update_both
from dcgan.training.team import ALONE, Team

Advance = Callable[[Inputs, Rates], Tensor]
"""One step: inputs and the numbers that change by plan → the four numbers of a StepReport, on the device."""


def train_steps(
    state: TrainingState, feed: Feed, advance: Advance, *, training: TrainingConfig
) -> Iterator[StepReport]:
    """Train until ``training.images`` were seen, one step per item. Closing the iterator leaves the state whole."""
    assert training.images is not None, training
    yield from train_to_end(state, feed, advance, training=lambda: training)


def train_to_end(
    state: TrainingState,
    feed: Feed,
    advance: Advance,
    *,
    training: Callable[[], TrainingConfig],
    team: Team = ALONE,
) -> Iterator[StepReport]:
    """The same, to an end that may be corrected between two steps: ``training`` tells how it is now.

    With a ``team`` it also ends where one of its processes is asked to stop.
    """
    set_factor = None
    while (now := team.next_step(state, training())) is not None:
        count, inputs = feed.batches.size_at(state.images_seen), feed.at(state.images_seen, state.attempt)
        if (factor := learning_rate_factor(now, state.images_seen, state.attempt)) != set_factor:
            set_learning_rate(state.generator_optimizer, factor * now.generator_learning_rate)
            set_learning_rate(state.discriminator_optimizer, factor * now.discriminator_learning_rate)
            set_factor = factor
        numbers = advance(inputs, rates_at(now, state.images_seen, count))
        every, seen = now.augmentation_every_images, state.images_seen
        if state.controller is not None and (seen + count) // every > seen // every:
            step = every / now.augmentation_ramp
            state.controller.decide(target=now.augmentation_target, step=step, most=now.augmentation_strength)
        state.images_seen += count
        yield StepReport(state.images_seen, *numbers.unbind())


def set_learning_rate(optimizer: Optimizer, learning_rate: float) -> None:
    """Where the optimiser's step, which may have been captured, reads it."""
    for group in optimizer.param_groups:
        group["lr"].fill_(learning_rate)


def advance_by(state: TrainingState, rules: Rules, inputs: Inputs, rates: Rates) -> Tensor:
    """One step and its book-keeping, nothing of which waits for the device or depends on anything but tensors."""
    real, draws = to_images(inputs.pixels), inputs.draws
    if rules.mirrored:
        assert draws is not None, inputs
        real = mirrored(real, draws)
    numbers = torch.stack(update_both(state, real, inputs.latents, inputs.labels, rules, rates=rates, draws=draws))
    if rules.summed:
        numbers = torch.cat([numbers[:2] / len(real), numbers[2:]])
    if state.average is not None:
        update_average(state.average, state.generator, rates.kept)
    weighted = (
        len(real)
        * rules.shards.processes
        * torch.cat([torch.ones_like(numbers[:1]), numbers]).to(state.journal_sums.dtype)
    )
    state.journal_sums += weighted
    state.epoch_sums += weighted
    return numbers
