"""A walk between two seeds as an animation."""

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import torch

from dcgan.data.pixels import viewable
from dcgan.export.pictures import animation
from dcgan.randomness import slerp

if TYPE_CHECKING:
    from dcgan.interfaces.service import Served

PART = 16  # images that are asked for at a time, so that others come in between


async def walked(served: "Served", ends: tuple[int, int], frames: int, label: int | None) -> bytes:
    """There along an arc (a straight line between uniform latents), and back the same way."""
    generator = served.generator
    latents = generator.latents(ends)
    start, end = latents[:1], latents[1:]
    shares = [index / (frames - 1) for index in range(frames)]
    bent = generator.config.model.prior == "normal"
    path = torch.cat([slerp(start, end, s) if bent else (1 - s) * start + s * end for s in shares])
    classes = None
    if generator.class_names:
        classes = torch.full((frames,), ends[0] % len(generator.class_names) if label is None else label)
    drawn = []
    for first in range(0, frames, PART):
        part = None if classes is None else classes[first : first + PART]
        drawn.append(await served.painter.draw_latents(path[first : first + PART], part))
    images = viewable(np.concatenate(drawn))
    return await asyncio.to_thread(animation, np.concatenate([images, images[-2:0:-1]]), "gif", milliseconds=60)
