"""Yields a StepReport per step. The caller decides when to look, save or stop; between two items the state is whole."""

from collections.abc import Iterator

import torch
from torch import Tensor

from dcgan.config import ModelConfig, TrainingConfig
from dcgan.data.batches import Batches
from dcgan.data.pixels import to_images
from dcgan.randomness import latents
from dcgan.training.average import decay, update_average
from dcgan.training.state import TrainingState
from dcgan.training.step import Rules, StepReport, update_both


def train_steps(
    state: TrainingState, batches: Batches, rules: Rules, *, model: ModelConfig, training: TrainingConfig, seed: int
) -> Iterator[StepReport]:
    """Train until ``training.images`` were seen, one step per item. Closing the iterator leaves the state whole."""
    assert training.images is not None, training
    while state.images_seen < training.images:
        yield _step(state, batches, rules, model=model, training=training, seed=seed)


def _step(
    state: TrainingState, batches: Batches, rules: Rules, *, model: ModelConfig, training: TrainingConfig, seed: int
) -> StepReport:
    device = state.journal_sums.device
    pixels, labels = batches.at(state.images_seen)
    count = len(pixels)
    real = to_images(pixels.to(device, non_blocking=True))
    labels = None if labels is None else labels.to(device)
    noise = latents(
        state.images_seen, count, model.latent_size, seed=seed, attempt=state.attempt, prior=model.prior
    ).to(device, non_blocking=True)
    losses_and_scores = update_both(state, real, noise, labels, rules)
    state.images_seen += count
    if state.average is not None and training.average_half_life is not None:
        kept = decay(
            count,
            images_seen=state.images_seen,
            half_life=training.average_half_life,
            warmup=training.average_warmup,
        )
        update_average(state.average, state.generator, kept)
    return _report(state, count, losses_and_scores, training.reduction == "sum")


def _report(
    state: TrainingState, count: int, losses_and_scores: tuple[Tensor, Tensor, Tensor, Tensor], summed: bool
) -> StepReport:
    """Add the step to the running sums and tell of it, losses per image."""
    first_loss, second_loss, real_score, fake_score = losses_and_scores
    if summed:
        first_loss, second_loss = first_loss / count, second_loss / count
    report = StepReport(state.images_seen, first_loss, second_loss, real_score, fake_score)
    numbers = torch.stack([torch.ones_like(first_loss), *report[1:]]).to(state.journal_sums.dtype) * count
    state.journal_sums += numbers
    state.epoch_sums += numbers
    return report
