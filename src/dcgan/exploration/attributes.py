"""Attributes: what a person would say of an image, as numbers.

The figure is what differs from the background, and the background is the median colour of the image's border. Where
there is no plain background, as in photographs, the figure is most of the image.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from dcgan.data.pixels import to_images
from dcgan.tensors import Images, Pixels

CLEAR = 0.3  # a difference from the background, of 2, from which on a pixel wholly belongs to the figure


@dataclass(frozen=True)
class Attribute:
    """A name, and what an image with little and with much of it is."""

    name: str
    little: str
    much: str


GREY = (
    Attribute("brightness", "darker", "brighter"),
    Attribute("contrast", "fainter", "stronger contrast"),
    Attribute("size", "smaller", "larger"),
    Attribute("sideways place", "left", "right"),
    Attribute("height of place", "higher", "lower"),
    Attribute("proportions", "taller", "wider"),
    Attribute("symmetry", "less symmetric", "more symmetric"),
    Attribute("detail", "smoother", "more detail"),
)
COLOUR = (
    Attribute("saturation", "greyer", "more colourful"),
    Attribute("warmth", "bluer", "redder"),
    Attribute("green", "less green", "greener"),
)


def attributes_of(num_channels: int) -> tuple[Attribute, ...]:
    """What is measured of images with so many channels: colours where there are any."""
    return GREY + COLOUR if num_channels in (3, 4) else GREY


def measure(pixels: Pixels) -> Tensor:
    """Pixels n c h w → n, one number for each of ``attributes_of(c)``."""
    images = _seen(to_images(pixels))
    height, width = images.shape[2:]
    light = images.mean(dim=1)
    figure = _figure(images)
    mass = figure.sum(dim=(1, 2)).clamp(min=1e-6)
    x, y = torch.linspace(-1, 1, width), torch.linspace(-1, 1, height)[:, None]
    middle_x, middle_y = (figure * x).sum(dim=(1, 2)) / mass, (figure * y).sum(dim=(1, 2)) / mass
    spread_x = (figure * (x - middle_x[:, None, None]).square()).sum(dim=(1, 2)) / mass
    spread_y = (figure * (y - middle_y[:, None, None]).square()).sum(dim=(1, 2)) / mass
    edges = images.diff(dim=2).abs().mean(dim=(1, 2, 3)) + images.diff(dim=3).abs().mean(dim=(1, 2, 3))
    columns = [
        light.mean(dim=(1, 2)),
        light.std(dim=(1, 2)),
        figure.mean(dim=(1, 2)),
        middle_x,
        middle_y,
        0.5 * ((spread_x + 1e-4) / (spread_y + 1e-4)).log(),
        -(images - images.flip(3)).abs().mean(dim=(1, 2, 3)),
        edges,
    ]
    if images.shape[1] == 3:
        red, green, blue = ((images[:, channel] * figure).sum(dim=(1, 2)) / mass for channel in range(3))
        saturation = images.amax(dim=1) - images.amin(dim=1)
        columns += [(saturation * figure).sum(dim=(1, 2)) / mass, red - blue, green - (red + blue) / 2]
    return torch.stack(columns, dim=1)


def _seen(images: Images) -> Images:
    """What is transparent, over white."""
    if images.shape[1] != 4:
        return images
    opacity = (images[:, 3:] + 1) / 2
    return images[:, :3] * opacity + (1 - opacity)


def _figure(images: Images) -> Tensor:
    """How much each pixel belongs to the figure: n h w, 0 … 1."""
    rows, columns = images[:, :, [0, -1]].flatten(2), images[:, :, :, [0, -1]].flatten(2)
    background = torch.cat([rows, columns], dim=2).median(dim=2).values[:, :, None, None]
    difference: Tensor = (images - background).abs().amax(dim=1) / CLEAR
    return difference.clamp(0, 1)
