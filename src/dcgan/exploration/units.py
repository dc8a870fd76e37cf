"""Units: what each feature map of a generator draws.

A unit is one channel of one layer. The samples that excite it most are those of the highest mean activation; what it
contributes is the change of the image when it is set to zero at every position, as in Bau et al. 2019, "GAN
dissection" (arXiv 1811.10597), section 3, without their labels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from dcgan.data.pixels import to_images
from dcgan.exploration.points import Points, draw
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Pixels

ABLATED_AT = 8  # samples that contributions are averaged over
MEASURED = 48  # units of a layer: the most active ones
KEPT = 8  # of these: what contributes most
EXCITED = 6  # samples shown of each


@dataclass(frozen=True)
class Unit:
    """One feature map, and what it does."""

    layer: int
    number: int
    samples: Tensor
    """The rows of the samples that excite it most."""
    change: float
    """Mean change of a pixel without it, of 255 grey levels."""
    where: Tensor
    """h w, the mean change at each place."""


def layers_of(generator: TrainedGenerator) -> list[nn.Module]:
    """The hidden layers, from the latent to the image."""
    return list(generator.generator.blocks.children())


def explored_units(generator: TrainedGenerator, points: Points, each: int = KEPT) -> list[list[Unit]]:
    """For each layer the ``each`` units that contribute most, strongest first."""
    few = points[:ABLATED_AT]
    plain = to_images(draw(generator, few))
    active = activities(generator, points)
    return [_strongest(generator, number, active[number], few, plain)[:each] for number in sorted(active)]


def activities(generator: TrainedGenerator, points: Points) -> dict[int, Tensor]:
    """Mean activation of each unit at each sample: layer → n, units."""
    seen: dict[int, list[Tensor]] = {}

    def watch(number: int) -> Any:
        def keep(module: nn.Module, given: Any, result: Tensor) -> None:
            seen.setdefault(number, []).append(result.mean(dim=(2, 3)).cpu())

        return keep

    handles = [layer.register_forward_hook(watch(number)) for number, layer in enumerate(layers_of(generator), 1)]
    try:
        draw(generator, points)
    finally:
        for handle in handles:
            handle.remove()
    return {number: torch.cat(parts)[: len(points)] for number, parts in seen.items()}


@contextmanager
def without(layer: nn.Module, units: Tensor) -> Iterator[None]:
    """While it lasts, these units of the layer are zero at every position."""

    def silence(module: nn.Module, given: Any, result: Tensor) -> Tensor:
        silenced = result.clone()
        silenced[:, units] = 0
        return silenced

    handle = layer.register_forward_hook(silence)
    try:
        yield
    finally:
        handle.remove()


def drawn_without(generator: TrainedGenerator, points: Points, layer: nn.Module, units: Tensor) -> Pixels:
    """The images of these points without these units."""
    with without(layer, units):
        return draw(generator, points)


def _strongest(generator: TrainedGenerator, number: int, activity: Tensor, few: Points, plain: Tensor) -> list[Unit]:
    """The units of layer ``number`` that contribute most, of those that are most active."""
    layer = layers_of(generator)[number - 1]
    candidates = activity.mean(dim=0).topk(min(MEASURED, activity.shape[1])).indices.tolist()
    found = []
    for unit in candidates:
        changed = to_images(drawn_without(generator, few, layer, torch.tensor([unit])))
        where = (changed - plain).abs().mean(dim=(0, 1))
        samples = activity[:, unit].topk(min(EXCITED, len(activity))).indices
        found.append(Unit(number, unit, samples, float(where.mean() / 2) * 255, where))
    return sorted(found, key=lambda unit: -unit.change)
