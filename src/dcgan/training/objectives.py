"""Adversarial losses: pure functions of scores.

Goodfellow et al. 2014, "Generative adversarial nets" (arXiv 1406.2661): the discriminator minimises the binary
cross-entropy of real against fake; the generator maximises log D(G(z)), the form of section 3 that does not saturate.
With a score s = logit D: -log D = softplus(-s), -log(1 - D) = softplus(s).
"""

from typing import Literal

from torch import Tensor
from torch.nn.functional import softplus

from dcgan.tensors import Scores

Reduction = Literal["mean", "sum"]


def discriminator_loss(real_scores: Scores, fake_scores: Scores, reduction: Reduction = "mean") -> Tensor:
    """Half of -log D(real) - log(1 - D(fake)), over the batch: a coin toss gives log 2."""
    return (_reduce(softplus(-real_scores), reduction) + _reduce(softplus(fake_scores), reduction)) / 2


def generator_loss(fake_scores: Scores, reduction: Reduction = "mean") -> Tensor:
    """-log D(fake), over the batch."""
    return _reduce(softplus(-fake_scores), reduction)


def _reduce(losses: Tensor, reduction: Reduction) -> Tensor:
    return losses.sum() if reduction == "sum" else losses.mean()
