"""Directions: where to go from any latent, so that its image changes in one way.

Four ways to find them. The first three need no labels:
 * ``effect``, the default: eigenvectors of the mean of J^T J, where J is the derivative of the image, or of its
   features, by the latent; Wang, Ponce 2021, "The geometry of deep generative image models" (arXiv 2101.06006). They
   are in the order of how much they change;
 * ``sefa``: the same of the first layer alone, in closed form; Shen, Zhou 2021, "Closed-form factorization of latent
   semantics in GANs" (arXiv 2007.06600), equation 4, its columns normalised as in the authors' code. This
   implementation differs in using an eigendecomposition of symmetric matrices, which sorts its values;
 * ``pca``: principal components of the first layer's activations, then the latents that go with them by least squares;
   Härkönen et al. 2020, "GANSpace" (arXiv 2004.02546), section 2.1.
 * ``attribute``, ``class`` and ``function``: the gradient of a linear fit to a number that each image has, such as its
   brightness, or to an answer of yes or no, such as whether it looks like a class.

The file ``RUN/explore/directions.json`` keeps them for other programs. It is one JSON object:

    {"latent_size": z,
     "directions": [{"name": str,                    unique in the file, such as "warmth"
                     "method": "effect" | "sefa" | "pca" | "attribute" | "class" | "function",
                     "vector": [z floats],           of length 1
                     "range": [low, high],           how far to go: three standard deviations of the prior
                     "ends": [str, str],             what the image becomes at both, such as "bluer", "redder"
                     "pixel_change": float,          mean change of a pixel at ``high``, of 255 grey levels
                     "effect": {attribute: float}},  change from low to high in standard deviations between samples
                    …],
     "latents": [[z floats], …], …}                  of the pictures that stand beside the file

A slider of value a draws the latent ``latent + a * vector``. Entries that are not listed here may come and go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.models.build import AnyGenerator
from dcgan.models.residual import ResidualGenerator
from dcgan.randomness import Prior
from dcgan.tensors import Features, Latents

REACH = 3.0  # standard deviations of the prior
STEP = 0.1  # of the differences that stand for derivatives, in standard deviations

Render = Callable[[Latents, Tensor | None], Tensor]


@dataclass(frozen=True)
class Found:
    """Directions in order, and how much each counts."""

    vectors: Tensor
    """k z, of length 1, orthogonal to each other."""
    shares: Tensor
    """k, of all that was looked at: they sum to 1 where k is z."""


def deviation(prior: Prior) -> float:
    """Standard deviation of one latent number."""
    return 1.0 if prior == "normal" else 3**-0.5


def by_effect(
    render: Render, latents: Latents, classes: Sequence[Tensor | None] | None = None, *, step: float = STEP
) -> Found:
    """Eigenvectors of the mean of J^T J over ``latents``, each of its own class.

    ``render``: latents n z, and the class of them all as given → what is looked at, n …, such as pixels or features;
    asked for 2 z points at a time.
    """
    size = latents.shape[1]
    moves = step * torch.cat([torch.eye(size), -torch.eye(size)])
    total = torch.zeros(size, size, dtype=torch.float64)
    for number, latent in enumerate(latents):
        seen = render(latent + moves, None if classes is None else classes[number]).flatten(1).double()
        jacobian = (seen[:size] - seen[size:]) / (2 * step)  # z d: a row is the change by one number
        total += jacobian @ jacobian.T
    return _decomposed(total / len(latents))


def sefa(weight: Tensor) -> Found:
    """Directions that the first layer's ``weight`` (out, z) stretches most, each output counted alike."""
    rows = torch.nn.functional.normalize(weight.double(), dim=1)
    return _decomposed(rows.T @ rows)


def principal(latents: Latents, activations: Features) -> Found:
    """Directions of the latent space along which the principal components of activations (n d) grow.

    At most as many as there are latent numbers. They need not be orthogonal.
    """
    centred = activations.double() - activations.double().mean(dim=0)
    size = latents.shape[1]
    left, values, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = values[:size] > 1e-9 * values[0].clamp(min=1e-30)
    coordinates = (left[:, :size] * (len(latents) - 1) ** 0.5)[:, kept]  # of unit variance
    fit = torch.linalg.lstsq(coordinates, latents.double() - latents.double().mean(dim=0)).solution  # k z
    shares = values[:size][kept].square()
    return Found(torch.nn.functional.normalize(fit, dim=1).float(), (shares / values.square().sum()).float())


def by_numbers(latents: Latents, numbers: Tensor) -> tuple[Tensor, float]:
    """The direction in which a number of each image grows, of length 1; and the share that a linear fit explains.

    ``numbers``: n; answers of yes or no are 1 and 0.
    """
    x = latents.double() - latents.double().mean(dim=0)
    y = numbers.double() - numbers.double().mean()
    ridge = 1e-3 * x.square().sum() / x.shape[1]
    gradient = torch.linalg.solve(x.T @ x + ridge * torch.eye(x.shape[1], dtype=torch.float64), x.T @ y)
    explained = 1 - float((y - x @ gradient).square().sum() / y.square().sum().clamp(min=1e-30))
    return torch.nn.functional.normalize(gradient, dim=0).float(), explained


def first_weight(generator: AnyGenerator, latent_size: int) -> Tensor:
    """The weight between latents and the first layer, without that of classes: out z."""
    layer = (
        generator.product if isinstance(generator, ResidualGenerator) else generator.blocks[0].get_submodule("product")
    )
    weight = layer.get_parameter("weight")
    return weight.detach()[:, :latent_size].cpu()


def _decomposed(symmetric: Tensor) -> Found:
    values, vectors = torch.linalg.eigh(symmetric)
    values = values.flip(0).clamp(min=0)
    return Found(vectors.T.flip(0).float(), (values / values.sum().clamp(min=1e-30)).float())
