"""Adversarial losses: pure functions of scores.

* ``bce``: Goodfellow et al. 2014, "Generative adversarial nets" (arXiv 1406.2661): the discriminator minimises the
  binary cross-entropy of real against fake; the generator maximises log D(G(z)), the form of section 3 that does not
  saturate. With a score s = logit D: -log D = softplus(-s), -log(1 - D) = softplus(s).
* ``hinge``: Lim, Ye 2017, "Geometric GAN" (arXiv 1705.02894).
* ``least_squares``: Mao et al. 2017, "Least squares generative adversarial networks" (arXiv 1611.04076), equation 9:
  0 is the target of a fake, 1 that of a real image and of the generator.
* ``relativistic``: each real image against one fake, of which only the difference of scores matters
  (Jolicoeur-Martineau 2019, arXiv 1807.00734; with softplus Huang et al. 2024, R3GAN, arXiv 2501.05441, section 2).

In this implementation the discriminator's loss on single images is the mean of its real and its fake half, for every
objective: the hinge loss is published as their sum.
"""

from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn.functional import relu, softplus

from dcgan.tensors import Scores

Objective = Literal["bce", "hinge", "least_squares", "relativistic"]
Reduction = Literal["mean", "sum"]
Cost = Callable[[Scores], Tensor]

# What a real score costs the discriminator, what a fake one costs it, and what that costs the generator.
COSTS: dict[str, tuple[Cost, Cost, Cost]] = {
    "bce": (lambda real: softplus(-real), softplus, lambda fake: softplus(-fake)),
    "hinge": (lambda real: relu(1 - real), lambda fake: relu(1 + fake), lambda fake: -fake),
    "least_squares": (lambda real: (1 - real) ** 2, lambda fake: fake**2, lambda fake: (1 - fake) ** 2 / 2),
}


def discriminator_loss(
    real_scores: Scores, fake_scores: Scores, reduction: Reduction = "mean", objective: Objective = "bce"
) -> Tensor:
    """What the discriminator minimises, over the batch: scores high for real, low for fake."""
    if objective == "relativistic":
        return _reduce(softplus(fake_scores - real_scores), reduction)
    of_real, of_fake, _ = COSTS[objective]
    return (_reduce(of_real(real_scores), reduction) + _reduce(of_fake(fake_scores), reduction)) / 2


def generator_loss(
    fake_scores: Scores,
    reduction: Reduction = "mean",
    objective: Objective = "bce",
    *,
    real_scores: Scores | None = None,
) -> Tensor:
    """What the generator minimises, over the batch. ``real_scores`` are needed where ``compares`` says so."""
    if objective == "relativistic":
        assert real_scores is not None, objective
        return _reduce(softplus(real_scores - fake_scores), reduction)
    *_, of_generator = COSTS[objective]
    return _reduce(of_generator(fake_scores), reduction)


def compares(objective: Objective) -> bool:
    """Whether a score means nothing by itself, and the generator's loss needs those of real images too."""
    return objective == "relativistic"


def sureness(real_scores: Scores, fake_scores: Scores, objective: Objective) -> Tensor:
    """From -1 to 1: the share of real images taken for real, less those taken for fake.

    The sign of D(real), which rises towards 1 as the discriminator learns its images by heart (Karras et al. 2020,
    arXiv 2006.06676, section 3); where only differences matter, the sign of the difference.
    """
    return (real_scores - fake_scores if compares(objective) else real_scores - threshold(objective)).sign().mean()


def threshold(objective: Objective) -> float:
    """The score between fake and real."""
    return 0.5 if objective == "least_squares" else 0.0


def _reduce(losses: Tensor, reduction: Reduction) -> Tensor:
    return losses.sum() if reduction == "sum" else losses.mean()
