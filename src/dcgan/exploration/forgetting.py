"""Forgetting: the feature maps that draw a thing are found and left out, and the generator draws without it.

Radford, Metz, Chintala 2015 (arXiv 1511.06434), section 6.3.1: a logistic regression on the activations of the
second-highest layer tells places that lie on the thing from random other places of the same images; the feature maps
of positive weight are set to zero everywhere. This implementation differs in that
 * places on the thing may also be found by colour, not by hand-drawn boxes alone;
 * activations are standardised, and weights have a small penalty, so that there is exactly one best fit;
 * less than all maps of positive weight may be left out: those of the largest weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.exploration.points import Points, draw
from dcgan.exploration.units import layers_of
from dcgan.randomness import permutation
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Pixels

COVERED = 0.5  # share of a place that the thing must cover for the place to lie on it
PENALTY = 1e-3
STEPS = 200  # of the fit, at most

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Fit:
    """A logistic regression from the feature maps at a place to whether the thing is there."""

    weights: Tensor
    """One for each feature map, of its standardised activation."""
    bias: Tensor
    means: Tensor
    deviations: Tensor
    accuracy: float
    """Share of the places that it was fitted to, half of them on the thing, that it tells right."""

    def chance(self, activations: Tensor) -> Tensor:
        """How sure it is that the thing is there: n u h w → n h w, 0 … 1."""
        standard = (activations.movedim(1, -1) - self.means) / self.deviations
        return torch.sigmoid(standard @ self.weights + self.bias)

    def drawing(self, most: int | None = None) -> Tensor:
        """The feature maps of positive weight, largest first; at most so many."""
        order = self.weights.argsort(descending=True)
        return order[self.weights[order] > 0][:most]


def activations_of(generator: TrainedGenerator, points: Points, layer: int) -> Tensor:
    """What the feature maps of a hidden layer (1 is next to the latent) are at each point: n u h w."""
    seen: list[Tensor] = []
    handle = layers_of(generator)[layer - 1].register_forward_hook(
        lambda module, given, result: seen.append(result.cpu().clone())
    )
    try:
        draw(generator, points)
    finally:
        handle.remove()
    return torch.cat(seen)[: len(points)]


def mask_of_colour(pixels: Pixels, colour: tuple[int, int, int], tolerance: int) -> Tensor:
    """Where images n c h w (c is 1, 3 or 4) are at most ``tolerance`` of 255 from a colour in each channel: n h w."""
    levels = pixels.float() * 255 / torch.iinfo(pixels.dtype).max
    wanted = torch.tensor(colour, dtype=torch.float32)
    if levels.shape[1] == 1:
        wanted = wanted.mean()[None]
    near: Tensor = ((levels[:, : len(wanted)] - wanted[:, None, None]).abs() <= tolerance).all(dim=1)
    return near & (levels[:, 3] > 127) if levels.shape[1] == 4 else near


def mask_of_boxes(boxes: Sequence[Sequence[Box]], height: int, width: int) -> Tensor:
    """Where any of each image's boxes (left, top, right, bottom; right and bottom not included) is: n h w."""
    mask = torch.zeros(len(boxes), height, width, dtype=torch.bool)
    for image, own in zip(mask, boxes, strict=True):
        for left, top, right, bottom in own:
            image[top:bottom, left:right] = True
    return mask


def fitted(activations: Tensor, mask: Tensor) -> Fit | None:
    """Tell the places of a mask (n h w, as large as the images) from as many others of the same images.

    None: no place of the layer lies on the mask, or none off it.
    """
    size = activations.shape[2:]
    share = F.adaptive_avg_pool2d(mask.float()[:, None], (int(size[0]), int(size[1])))[:, 0].flatten()
    places = activations.movedim(1, -1).flatten(0, 2)  # n h w, u
    limit = min(COVERED, float(share.max()))  # of a thing smaller than a place, the places that it covers most
    on, off = ((share >= limit) & (share > 0)).nonzero()[:, 0], (share == 0).nonzero()[:, 0]
    count = min(len(on), len(off))
    if not count:
        return None
    chosen = [rows[torch.from_numpy(permutation(len(rows), "forget", seed=0)[:count].copy())] for rows in (on, off)]
    x, y = places[torch.cat(chosen)].double(), torch.cat([torch.ones(count), torch.zeros(count)]).double()
    means, deviations = x.mean(dim=0), x.std(dim=0).clamp(min=1e-6)
    weights, bias = _regressed((x - means) / deviations, y)
    right = ((x - means) / deviations @ weights + bias > 0) == (y > 0.5)
    accuracy = float(right.double().mean())
    return Fit(weights.float(), bias.float(), means.float(), deviations.float(), accuracy)


def _regressed(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and bias of the logistic regression with a penalty on the weights."""
    weights = torch.zeros(x.shape[1], dtype=x.dtype, requires_grad=True)
    bias = torch.zeros((), dtype=x.dtype, requires_grad=True)
    newton = torch.optim.LBFGS(
        [weights, bias], max_iter=STEPS, line_search_fn="strong_wolfe", tolerance_grad=1e-9, tolerance_change=1e-15
    )

    def loss() -> Tensor:
        newton.zero_grad()
        wrong = F.binary_cross_entropy_with_logits(x @ weights + bias, y) + PENALTY * weights.square().sum()
        wrong.backward()  # type: ignore[no-untyped-call]
        return wrong

    newton.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach(), bias.detach()
