"""Inversion: the latent whose image comes nearest to a given one.

The image comes back, the latent need not: most directions of the latent space hardly change an image, so many latents
draw nearly the same. Each search starts at several of a few thousand samples, those that are nearest in pixels; from
there Adam minimises the squared difference of pixels, and of features if there are any, with a prior that keeps the
latent as long as latents are (normal), or within its bounds (uniform).
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.data.pixels import to_images
from dcgan.exploration.directions import deviation
from dcgan.exploration.points import Points, draw, points_of_seeds, together
from dcgan.randomness import Prior
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Features, Images, Latents, Pixels

FIRST_SEED = 2**42  # of the samples that searches start from: none that a picture shows
SAMPLES = 4096
STEPS, STARTS = 300, 8
RATE = 0.1  # of Adam, in standard deviations of the prior
COOLING = 0.3  # last share of the steps, over which the rate falls to a tenth
LENGTH_WEIGHT = 1e-3
ROWS = 64  # searched for at a time

Look = Callable[[Images], Features]


@dataclass(frozen=True)
class Reached:
    """What came nearest to each target."""

    points: Points
    pixels: Pixels
    """What they draw, n c h w."""
    decibels: Tensor
    """n, the peak signal-to-noise ratio of these images: 20 is alike, 30 hard to tell from the target."""


class Search:
    """Searches a generator's latents; the samples to start from are drawn once."""

    def __init__(self, generator: TrainedGenerator, *, samples: int = SAMPLES, look: Look | None = None) -> None:
        """``look``: images → features n d that gradients pass through, to be alike in besides pixels."""
        self.generator, self.look = generator, look
        self.samples = points_of_seeds(generator, range(FIRST_SEED, FIRST_SEED + samples))
        self._seen = to_images(draw(generator, self.samples)).flatten(1)
        self._network = copy.deepcopy(generator.generator).requires_grad_(False)

    def find(self, targets: Pixels, *, steps: int = STEPS, starts: int = STARTS) -> Reached:
        """The nearest image of each target, n c h w.

        A quarter of ``steps`` is gone from each of ``starts`` samples, then all of them from the best.
        """
        parts = [self._found(part, steps, starts) for part in torch.split(targets, max(1, ROWS // starts))]
        points = together(parts)
        pixels = draw(self.generator, points)
        return Reached(points, pixels, decibels(pixels, targets))

    def _found(self, targets: Pixels, steps: int, starts: int) -> Points:
        images = to_images(targets)
        near = torch.cdist(images.flatten(1), self._seen).topk(starts, largest=False).indices.flatten()
        begun = self.samples[near]
        goals = images.repeat_interleave(starts, dim=0)
        tried = Points(self._descended(begun, goals, max(1, steps // 4)), begun.classes)
        both = together([begun, tried])  # a search that lost its way goes on from where it began
        errors = self._errors(both, torch.cat([goals, goals])).reshape(2, len(images), starts)
        errors = errors.permute(1, 0, 2).flatten(1)  # n, 2 starts
        best = errors.argmin(dim=1)
        rows = best // starts * len(goals) + torch.arange(len(images)) * starts + best % starts
        chosen = both[rows]
        ended = Points(self._descended(chosen, images, steps), chosen.classes)
        better = (self._errors(ended, images) < errors.amin(dim=1))[:, None]
        return Points(torch.where(better, ended.latents, chosen.latents), chosen.classes)

    def _descended(self, begin: Points, goals: Images, steps: int) -> Latents:
        prior = self.generator.config.model.prior
        latents = begin.latents.clone().requires_grad_()
        rate = RATE * deviation(prior)
        adam = torch.optim.Adam([latents], lr=rate, betas=(0.9, 0.99))
        wanted = None if self.look is None else self.look(goals).detach()
        device = self._network.to_image.weight.device
        for step in range(steps):
            left = (steps - step) / (COOLING * steps)
            adam.param_groups[0]["lr"] = rate * max(0.1, min(1.0, left))
            drawn = self._network(latents.to(device), None if begin.classes is None else begin.classes.to(device)).cpu()
            loss = (drawn - goals).square().flatten(1).mean(dim=1) + LENGTH_WEIGHT * _excess(latents, prior)
            if self.look is not None and wanted is not None:
                loss = loss + (self.look(drawn) - wanted).square().mean(dim=1) / wanted.square().mean().clamp(min=1e-6)
            adam.zero_grad()
            loss.sum().backward()
            adam.step()
            if prior == "uniform":
                with torch.no_grad():
                    latents.clamp_(-1, 1)
        return latents.detach()

    def _errors(self, points: Points, goals: Images) -> Tensor:
        return (to_images(draw(self.generator, points)) - goals).square().flatten(1).mean(dim=1)


def decibels(pixels: Pixels, targets: Pixels) -> Tensor:
    """Peak signal-to-noise ratio of each image: n; an exact copy has 99."""
    error = (to_images(pixels) - to_images(targets)).square().flatten(1).mean(dim=1)
    return (10 * torch.log10(4 / error.clamp(min=1e-12))).clamp(max=99)


def _excess(latents: Latents, prior: Prior) -> Tensor:
    """How far each latent's length is from that of latents: n."""
    return (latents.square().mean(dim=1) / deviation(prior) ** 2 - 1).square()
