"""One discriminator update, one generator update: the heart.

Goodfellow et al. 2014, algorithm 1, one update each, with the mean of the generator kept beside it. This
implementation draws the fakes once: both turns see the same ones, which is what the algorithm does when both turns
have the same latents, since the discriminator's turn leaves the generator as it was.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor, nn

from dcgan.models.spectral import iterate
from dcgan.tensors import Images, Labels, Latents, Scores
from dcgan.training.augment import Policy, View
from dcgan.training.penalties import at_least_float32, scores_and_penalty, seen
from dcgan.training.schedules import PLAIN, Rates
from dcgan.training.shards import Part, Shards
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
    shards: Shards = field(default_factory=Shards)
    """Into which each batch is divided."""


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

    All are detached scalars on the device. ``draws`` decide how images are augmented, where they are. Of a batch that
    several processes share, each is given its part, and all end with the same numbers.
    """
    view = None
    if rules.policies:
        strength = rates.augmentation if state.controller is None else state.controller.strength
        assert draws is not None and strength is not None, rates
        view = View(rules.policies, draws, strength)
    parts = rules.shards.divide(Part(real, latents, labels, view))
    first_loss, real_score, fake_score, sureness = update_discriminator(state, parts, rules, rates=rates)
    second_loss = update_generator(state, parts, rules)
    if state.controller is not None:
        state.controller.observe(sureness, len(real) * rules.shards.processes)
    return first_loss, second_loss, real_score, fake_score


def update_discriminator(
    state: TrainingState, parts: Sequence[Part], rules: Rules, *, rates: Rates = PLAIN
) -> tuple[Tensor, ...]:
    """The discriminator's turn: its loss, its mean scores of real and fake, and how sure it is of real images.

    Real and fake are two batches to its normalisation. The weights of the generator, which draws the fakes that are
    not there yet, are left alone.
    """
    G, D, optimizer = state.generator, state.discriminator, state.discriminator_optimizer
    share, factor = rules.penalised_share, rates.penalty
    iterate(D)

    def loss_of(part: Part) -> tuple[Tensor, ...]:
        with rules.precision():
            part.fake = G(part.latents, part.labels) if part.fake is None else part.fake
            real_scores, real_penalty = scores_and_penalty(
                D, part.real, part.labels, gamma=rules.real_gamma, factor=factor, share=share, view=part.view
            )
            fake_scores, fake_penalty = scores_and_penalty(
                D, part.fake, part.labels, gamma=rules.fake_gamma, factor=factor, share=share, view=part.view
            )
        loss = rules.discriminator_loss(real_scores, fake_scores) + real_penalty + fake_penalty
        return loss, real_scores.mean(), fake_scores.mean(), rules.sureness(real_scores, fake_scores)

    numbers = rules.shards.backward(D, loss_of, parts, moving=(G, D))
    optimizer.step()
    return numbers


def update_generator(state: TrainingState, parts: Sequence[Part], rules: Rules) -> Tensor:
    """The generator's turn, against the discriminator as it is now. The fakes of the parts hold their graph."""
    G, D, optimizer = state.generator, state.discriminator, state.generator_optimizer

    def loss_of(part: Part) -> tuple[Tensor, ...]:
        assert part.fake is not None, part
        with frozen(D), rules.precision():
            real_scores = at_least_float32(D(seen(part.real, part.view), part.labels)) if rules.compares else None
            fake_scores = at_least_float32(D(seen(part.fake, part.view), part.labels))
        return (rules.generator_loss(fake_scores, real_scores=real_scores),)

    (loss,) = rules.shards.backward(G, loss_of, parts, moving=(G, D))
    optimizer.step()
    return loss


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """No gradients for the weights: those of its input cost two thirds of a backward pass, not the whole."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
