"""One discriminator update, one generator update: the heart.

Goodfellow et al. 2014, algorithm 1, one update each, with the mean of the generator kept beside it. This
implementation draws the fakes once: both turns see the same ones, which is what the algorithm does when both turns
have the same latents, since the discriminator's turn leaves the generator as it was.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor, nn

from dcgan.tensors import Images, Labels, Latents, Scores
from dcgan.training.penalties import at_least_float32, penalised_scores
from dcgan.training.schedules import PLAIN, Rates
from dcgan.training.state import TrainingState


@dataclass(frozen=True)
class Rules:
    """What one step needs to know: the losses, the penalties and the arithmetic of the convolutions."""

    discriminator_loss: Callable[[Scores, Scores], Tensor]
    generator_loss: Callable[..., Tensor]
    """Of the fake scores; ``real_scores`` by name."""
    compares: bool = False
    """Whether the generator's loss needs the scores of real images too."""
    summed: bool = False
    """Whether the losses are sums over the batch."""
    real_gamma: float | None = None
    """Weight of R1; None: no penalty."""
    fake_gamma: float | None = None
    """Weight of R2; None: no penalty."""
    penalised_share: float = 1.0
    """Of a batch."""
    precision: Callable[[], AbstractContextManager[object]] = nullcontext


class StepReport(NamedTuple):
    """What one step did. The tensors are detached scalars still on the device: reading one waits for it."""

    images_seen: int
    discriminator_loss: Tensor
    generator_loss: Tensor
    real_score: Tensor
    fake_score: Tensor


def update_both(
    state: TrainingState, real: Images, latents: Latents, labels: Labels | None, rules: Rules, *, rates: Rates = PLAIN
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One turn each: the discriminator's loss, the generator's, and the mean real and fake scores of the first turn.

    All are detached scalars on the device.
    """
    with rules.precision():
        fake = state.generator(latents, labels)
    first_loss, real_score, fake_score = update_discriminator(state, real, fake, labels, rules, rates=rates)
    second_loss = update_generator(state, real, fake, labels, rules)
    return first_loss, second_loss, real_score, fake_score


def update_discriminator(
    state: TrainingState, real: Images, fake: Images, labels: Labels | None, rules: Rules, *, rates: Rates = PLAIN
) -> tuple[Tensor, Tensor, Tensor]:
    """The discriminator's turn. Real and fake are two batches to its normalisation; the generator is left alone."""
    D, optimizer = state.discriminator, state.discriminator_optimizer
    optimizer.zero_grad(set_to_none=True)
    share = rules.penalised_share
    real_gamma, fake_gamma = (_scaled(gamma, rates.penalty) for gamma in (rules.real_gamma, rules.fake_gamma))
    with rules.precision():
        real_scores, real_penalty = penalised_scores(D, real, labels, gamma=real_gamma, share=share)
        fake_scores, fake_penalty = penalised_scores(D, fake, labels, gamma=fake_gamma, share=share)
    loss = rules.discriminator_loss(real_scores, fake_scores) + real_penalty + fake_penalty
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach(), real_scores.detach().mean(), fake_scores.detach().mean()


def update_generator(state: TrainingState, real: Images, fake: Images, labels: Labels | None, rules: Rules) -> Tensor:
    """The generator's turn, against the discriminator as it is now. ``fake`` still knows how it was made."""
    D, optimizer = state.discriminator, state.generator_optimizer
    optimizer.zero_grad(set_to_none=True)
    with frozen(D), rules.precision():
        real_scores = at_least_float32(D(real, labels)) if rules.compares else None
        fake_scores = at_least_float32(D(fake, labels))
    loss = rules.generator_loss(fake_scores, real_scores=real_scores)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


def _scaled(gamma: float | None, factor: float | Tensor | None) -> float | Tensor | None:
    return None if gamma is None or factor is None else gamma * factor


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """No gradients for the weights: those of its input cost two thirds of a backward pass, not the whole."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
