"""Differentiable augmentation: what the discriminator sees of an image, real or fake.

Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training" (arXiv 2006.10738): colour, translation
by up to an eighth, a square of half the side cut out, at the published strengths. This implementation differs in that
 * each policy takes an image with a probability, the strength, after Karras et al. 2020, "Training generative
   adversarial networks with limited data" (ADA, arXiv 2006.06676): with 0 the images are untouched, to the bit;
 * a real image and the fake of the same place in the batch share their draws;
 * the draws come from outside, and are the same in both turns of a step;
 * a ``shift`` moves an image as a translation does, but its edges reach on where grey comes in.

Of one image every policy is an affine function, made of sums, products and choices: it can be differentiated as often
as one likes, so that a penalty can look at the image before it was augmented.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from dcgan.tensors import Images

Policy = Literal["colour", "translation", "shift", "cutout"]

NUM_DRAWS = 12  # an image, uniform(-1, 1): one for mirroring, then each policy's gate and its own
DRAWS_OF: Mapping[str, slice] = {
    "colour": slice(1, 5),
    "translation": slice(5, 8),
    "shift": slice(5, 8),  # instead of a translation: together, they move the same images the same way
    "cutout": slice(8, 11),
}


@dataclass(frozen=True)
class View:
    """How each image of a batch is shown to the discriminator; a slice is that of a part of the batch."""

    policies: tuple[Policy, ...]
    draws: Tensor
    """n x NUM_DRAWS, uniform(-1, 1)."""
    strength: float | Tensor
    """The probability of each policy for each image."""

    def __call__(self, images: Images) -> Images:
        """The images as they are seen."""
        for policy in self.policies:
            gate, *own = self.draws[:, DRAWS_OF[policy]].unbind(1)
            images = POLICIES[policy](images, (gate + 1) / 2 < self.strength, *own)
        return images

    def __getitem__(self, part: slice) -> "View":
        return View(self.policies, self.draws[part], self.strength)


def mirrored(images: Images, draws: Tensor) -> Images:
    """Every second image left to right, by the first of its draws."""
    return torch.where((draws[:, 0] > 0)[:, None, None, None], images.flip(3), images)


def colour(images: Images, chosen: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor) -> Images:
    """Brighter or darker by up to 0.5, 0 to 2 times as colourful, 0.5 to 1.5 times the contrast, in this order.

    Saturation stretches colours away from grey, contrast away from the mean of the image: together they are
    contrast x saturation x image + contrast (1 - saturation) x grey + (1 - contrast) x mean + brightness.
    """
    brightness, saturation, contrast = (
        _each(draw * chosen) for draw in (brightness / 2, saturation, contrast / 2)
    )  # what is not chosen: 0, 1 and 1
    saturation, contrast = saturation + 1, contrast + 1
    grey = images.mean(dim=1, keepdim=True)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    return contrast * saturation * images + (contrast * (1 - saturation) * grey + (1 - contrast) * mean + brightness)


def translation(images: Images, chosen: Tensor, down: Tensor, right: Tensor) -> Images:
    """Moved by whole pixels, up to an eighth of the height and the width; what comes in is mid-grey."""
    inside = torch.ones_like(chosen)[:, None, None, None]
    for dimension, draw in ((2, down), (3, right)):
        source = _source(draw * chosen, images.shape[dimension])
        there = source == source.clamp(0, images.shape[dimension] - 1)
        inside = inside & _along(dimension, there)
    return shift(images, chosen, down, right) * inside


def shift(images: Images, chosen: Tensor, down: Tensor, right: Tensor) -> Images:
    """Moved as far as by ``translation``; what comes in repeats the row or the column at the edge."""
    count, channels, height, width = images.shape
    rows = _source(down * chosen, height).clamp(0, height - 1)
    columns = _source(right * chosen, width).clamp(0, width - 1)
    first = torch.arange(count, device=images.device)[:, None, None] * height
    pixels = (first + rows[:, :, None]) * width + columns[:, None, :]  # n, h, w: numbers in the list of all pixels
    moved = images.permute(0, 2, 3, 1).reshape(-1, channels).index_select(0, pixels.flatten())
    return moved.view(count, height, width, channels).permute(0, 3, 1, 2)


def _source(draw: Tensor, size: int) -> Tensor:
    """For each image and each place along one side: where it comes from, which may be beyond the edges."""
    most = size // 8
    return torch.arange(size, device=draw.device) - (_whole_numbers(draw, 2 * most + 1) - most)[:, None]


def cutout(images: Images, chosen: Tensor, down: Tensor, right: Tensor) -> Images:
    """A rectangle of half the height and half the width becomes mid-grey, wherever its middle is."""
    inside = chosen[:, None, None, None]
    for dimension, draw in ((2, down), (3, right)):
        size = images.shape[dimension]
        start = _whole_numbers(draw, size + 1)[:, None] - size // 4
        place = torch.arange(size, device=images.device)
        inside = inside & _along(dimension, (place >= start) & (place < start + size // 2))
    return images * ~inside


POLICIES: Mapping[str, Callable[..., Images]] = {
    "colour": colour,
    "translation": translation,
    "shift": shift,
    "cutout": cutout,
}


class StrengthController:
    """Moves the strength so that the discriminator stays as unsure of real images as it should be.

    Karras et al. 2020 (ADA), section 3.2: the mean sign of D(real) over some thousand images tells how far it has
    learned them by heart; above the target the strength rises by a fixed step, below it falls. Nothing here waits for
    the device, and all of it survives a restart.
    """

    def __init__(self, device: torch.device) -> None:
        self.strength = torch.zeros((), device=device)
        self.sums = torch.zeros(2, device=device)

    def tensors(self) -> dict[str, Tensor]:
        """What must survive a restart, by name."""
        return {"augmentation.strength": self.strength, "augmentation.sums": self.sums}

    def observe(self, sureness: Tensor, count: int) -> None:
        """Take note of one step's mean sign over ``count`` images."""
        self.sums += torch.stack([sureness, torch.ones_like(sureness)]) * count

    def decide(self, *, target: float, step: float, most: float) -> None:
        """Move by ``step``, within 0 and ``most``, and start counting again."""
        sureness = self.sums[0] / self.sums[1].clamp(min=1)
        self.strength.add_(step * (sureness - target).sign()).clamp_(0, most)
        self.sums.zero_()


def _whole_numbers(draw: Tensor, count: int) -> Tensor:
    """Uniform(-1, 1) → 0 … count - 1, each as likely."""
    return ((draw + 1) / 2 * count).long().clamp(max=count - 1)


def _along(dimension: int, places: Tensor) -> Tensor:
    """n x places along one side of each image, to be combined with them."""
    return places[:, None, :, None] if dimension == 2 else places[:, None, None, :]


def _each(numbers: Tensor) -> Tensor:
    """One number for each image, to be multiplied with it."""
    return numbers[:, None, None, None]
