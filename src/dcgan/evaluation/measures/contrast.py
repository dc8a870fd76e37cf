"""How strong the brightness and the colours of samples are, beside real images: what a discriminator may not see."""

from typing import NamedTuple

import torch

from dcgan.tensors import Pixels

_CHUNK = 64  # images: as float64 they are eight times as large
_NO_COLOUR = 1e-3  # of the brightness: grey images in three channels


class Strengths(NamedTuple):
    """Of some images, in their own units."""

    brightness: float
    """Standard deviation over all pixels of the mean of the channels."""
    colours: float
    """Root mean square of what a channel has more or less than that mean."""


def strengths(pixels: Pixels) -> Strengths:
    """Of n c h w, read in small parts."""
    count, total, squares, colours = 0, 0.0, 0.0, 0.0
    for chunk in torch.split(pixels, _CHUNK):
        values = chunk.double()
        grey = values.mean(dim=1, keepdim=True)
        count += grey.numel()
        total += float(grey.sum())
        squares += float(grey.square().sum())
        colours += float((values - grey).square().mean(dim=1).sum())
    mean = total / count
    return Strengths(max(squares / count - mean**2, 0.0) ** 0.5, (colours / count) ** 0.5)


def contrast(samples: Strengths, reals: Strengths) -> float:
    """The brightness of samples over that of real images, or the same of colours where it is less.

    1 is ideal, 0 one and the same grey everywhere; what real images do not have is not missed.
    """
    shares = [samples.brightness / reals.brightness] if reals.brightness > 0 else [1.0]
    if reals.colours > _NO_COLOUR * reals.brightness:
        shares.append(samples.colours / reals.colours)
    return min(shares)
