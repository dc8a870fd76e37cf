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

from dcgan.models.spectral import iterate
from dcgan.tensors import Images, Labels, Latents, Scores
from dcgan.training.augment import Policy, View
from dcgan.training.penalties import at_least_float32, scores_and_penalty, seen
from dcgan.training.schedules import PLAIN, Rates
from dcgan.training.state import TrainingState


@dataclass(frozen=True)
class Rules:
    """What one step needs to know: the losses, the penalties and the arithmetic of the convolutions."""

    discriminator_loss: Callable[[Scores, Scores], Tensor]
    generator_loss: Callable[..., Tensor]
    """Of the fake scores; ``real_scores`` by name."""
    sureness: Callable[[Scores, Scores], Tensor]
    """How sure the discriminator is of real images, -1 … 1."""
    compares: bool = False
    """Whether the generator's loss needs the scores of real images too."""
    summed: bool = False
    """Whether the losses are sums over the batch."""
    real_gamma: float | None = None
    """Weight of R1; None: no penalty."""
    fake_gamma: float | None = None
    """Weight of R2; None: no penalty."""
    penalised_share: float = 1.0
    """Share of each batch on which the penalties are computed."""
    mirrored: bool = False
    """Whether real images are shown left to right half of the time."""
    policies: tuple[Policy, ...] = ()
    """What is done to images before the discriminator sees them."""
    precision: Callable[[], AbstractContextManager[object]] = nullcontext


class StepReport(NamedTuple):
    """What one step did. The tensors are detached scalars still on the device: reading one waits for it."""

    images_seen: int
    discriminator_loss: Tensor
    generator_loss: Tensor
    real_score: Tensor
    fake_score: Tensor

    def __repr__(self) -> str:
        numbers = ", ".join(
            f"{name}={float(value):.4g}" for name, value in zip(self._fields[1:], self[1:], strict=True)
        )
        return f"StepReport(images_seen={self.images_seen:,}, {numbers})"


def update_both(
    state: TrainingState,
    real: Images,
    latents: Latents,
    labels: Labels | None,
    rules: Rules,
    *,
    rates: Rates = PLAIN,
    draws: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One turn each: the discriminator's loss, the generator's, and the mean real and fake scores of the first turn.

    All are detached scalars on the device. ``draws`` decide how images are augmented, where they are.
    """
    view = None
    if rules.policies:
        strength = rates.augmentation if state.controller is None else state.controller.strength
        assert draws is not None and strength is not None, rates
        view = View(rules.policies, draws, strength)
    with rules.precision():
        fake = state.generator(latents, labels)
    first_loss, *scores = update_discriminator(state, real, fake, labels, rules, rates=rates, view=view)
    second_loss = update_generator(state, real, fake, labels, rules, view=view)
    if state.controller is not None:
        state.controller.observe(rules.sureness(*scores), len(real))
    real_score, fake_score = (score.mean() for score in scores)
    return first_loss, second_loss, real_score, fake_score


def update_discriminator(
    state: TrainingState,
    real: Images,
    fake: Images,
    labels: Labels | None,
    rules: Rules,
    *,
    rates: Rates = PLAIN,
    view: View | None = None,
) -> tuple[Tensor, Scores, Scores]:
    """The discriminator's turn: its loss and its scores of real and fake, detached.

    Real and fake are two batches to its normalisation; the generator is left alone.
    """
    D, optimizer = state.discriminator, state.discriminator_optimizer
    share, factor = rules.penalised_share, rates.penalty
    optimizer.zero_grad(set_to_none=True)
    iterate(D)

    with rules.precision():
        real_scores, real_penalty = scores_and_penalty(
            D, real, labels, gamma=rules.real_gamma, factor=factor, share=share, view=view
        )
        fake_scores, fake_penalty = scores_and_penalty(
            D, fake, labels, gamma=rules.fake_gamma, factor=factor, share=share, view=view
        )

    loss = rules.discriminator_loss(real_scores, fake_scores) + real_penalty + fake_penalty

    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach(), real_scores.detach(), fake_scores.detach()


def update_generator(
    state: TrainingState, real: Images, fake: Images, labels: Labels | None, rules: Rules, *, view: View | None = None
) -> Tensor:
    """The generator's turn, against the discriminator as it is now. ``fake`` holds its graph."""
    D, optimizer = state.discriminator, state.generator_optimizer
    optimizer.zero_grad(set_to_none=True)

    with frozen(D), rules.precision():
        real_scores = at_least_float32(D(seen(real, view), labels)) if rules.compares else None
        fake_scores = at_least_float32(D(seen(fake, view), labels))

    loss = rules.generator_loss(fake_scores, real_scores=real_scores)

    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """No gradients for the weights: those of its input cost two thirds of a backward pass, not the whole."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
