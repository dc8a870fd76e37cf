"""How strong the brightness and the colours of samples are, beside real images: what a discriminator may not see."""

import torch

from dcgan.tensors import Pixels

_CHUNK = 64  # images: as float64 they are eight times as large
_NO_COLOUR = 1e-3  # of the brightness: grey images in three channels


def contrast(samples: Pixels, reals: Pixels) -> float:
    """Standard deviation of all pixels' brightness over that of real images, or the same of colours where it is less.

    A colour is what a channel has more or less than the mean of all. 1 is ideal, 0 one and the same grey everywhere.
    """
    (ours, our_colours), (theirs, their_colours) = _strengths(samples), _strengths(reals)
    shares = [ours / theirs] if theirs > 0 else [1.0]
    if their_colours > _NO_COLOUR * theirs:
        shares.append(our_colours / their_colours)
    return min(shares)


def _strengths(pixels: Pixels) -> tuple[float, float]:
    """Of brightness and of colours, in the images' own units."""
    count, total, squares, colours = 0, 0.0, 0.0, 0.0
    for chunk in torch.split(pixels, _CHUNK):
        values = chunk.double()
        grey = values.mean(dim=1, keepdim=True)
        count += grey.numel()
        total += float(grey.sum())
        squares += float(grey.square().sum())
        colours += float((values - grey).square().mean(dim=1).sum())
    mean = total / count
    return max(squares / count - mean**2, 0.0) ** 0.5, (colours / count) ** 0.5
