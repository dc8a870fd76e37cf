"""Finding: all directions of one generator, by whatever method, over the same samples."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from dcgan.errors import UserError
from dcgan.exploration.attributes import attributes_of, measure
from dcgan.exploration.directions import STEP, by_effect, by_numbers, deviation, first_weight, principal, sefa
from dcgan.exploration.naming import Direction, Scale
from dcgan.exploration.points import Points, draw, points_of_seeds
from dcgan.exploration.sheets import pictures_of
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Features, Labels, Latents, Pixels

FIRST_SEED = 2**41  # of the latents that directions are found at: none that a picture shows
AT = 16  # latents that derivatives are averaged over
SAMPLES = 2000  # of a linear fit
LEAST_FIT = 0.1  # share of an attribute that a linear fit must explain to count as a direction


class Finder:
    """Directions of a generator; ``label``: of this class only."""

    def __init__(self, generator: TrainedGenerator, label: int | None = None) -> None:
        self.generator, self.label = generator, label
        self.points = points_of_seeds(generator, range(FIRST_SEED, FIRST_SEED + SAMPLES), label)

    def draw(self, points: Points) -> Pixels:
        """The image at each point."""
        return draw(self.generator, points)

    @cached_property
    def pixels(self) -> Pixels:
        """All samples."""
        return self.draw(self.points)

    @cached_property
    def measured(self) -> Tensor:
        """The attributes of all samples."""
        return measure(self.pixels)

    @property
    def scale(self) -> Scale:
        """How attributes differ between samples."""
        channels = self.generator.config.model.image_channels or 0
        return Scale(attributes_of(channels), self.measured.std(dim=0).clamp(min=1e-6), measure)

    def effect(self, count: int, look: Callable[[Pixels], Features] | None = None) -> list[Direction]:
        """What changes images most, or their features where ``look`` is given."""
        network = self.generator.generator
        device = network.to_image.weight.device

        def render(latents: Latents, classes: Tensor | None) -> Tensor:
            shares = None if classes is None else classes.expand(len(latents), -1)
            if look is not None:
                return look(self.draw(Points(latents, shares)))
            with torch.inference_mode():
                images: Tensor = network(latents.to(device), None if shares is None else shares.to(device))
            return images.cpu()

        some = self.points[:AT]
        step = (STEP if look is None else 0.5) * deviation(self.generator.config.model.prior)  # pixels are rounded
        rows = [None] * AT if some.classes is None else list(some.classes[:, None])
        found = by_effect(render, some.latents, rows, step=step)
        shares = zip(found.vectors[:count], found.shares[:count].tolist(), strict=True)
        return [Direction(vector, "effect", share=share) for vector, share in shares]

    def sefa(self, count: int) -> list[Direction]:
        """What the first layer stretches most."""
        found = sefa(first_weight(self.generator.generator, self.points.latents.shape[1]))
        shares = zip(found.vectors[:count], found.shares[:count].tolist(), strict=True)
        return [Direction(vector, "sefa", share=share) for vector, share in shares]

    def pca(self, count: int) -> list[Direction]:
        """Principal components of the first layer's activations."""
        found = principal(self.points.latents, self._activations())
        shares = zip(found.vectors[:count], found.shares[:count].tolist(), strict=True)
        return [Direction(vector, "pca", share=share) for vector, share in shares]

    def attributes(self) -> list[Direction]:
        """One for each attribute that a linear fit explains a tenth of; the best explained first."""
        found = []
        for attribute, numbers in zip(self.scale.attributes, self.measured.T, strict=True):
            vector, explained = by_numbers(self.points.latents, numbers)
            ends = (attribute.little, attribute.much)
            if explained >= LEAST_FIT:
                found.append(Direction(vector, "attribute", attribute.name, ends, share=explained))
        return sorted(found, key=lambda direction: -(direction.share or 0.0))

    def function(self, name: str, answer: Callable[[np.ndarray], object]) -> Direction:
        """From images whose answer is no to those whose answer is yes.

        Raises:
            UserError: The answers are all the same, or the function fails.
        """
        try:
            answers = [bool(answer(picture)) for picture in pictures_of(self.pixels)]
        except Exception as error:  # the user's own code may raise anything
            raise UserError(f"--by {name}: failed on a sample ({type(error).__name__}: {error}).") from error
        if all(answers) or not any(answers):
            told = "yes" if answers[0] else "no"
            raise UserError(f"--by {name}: said {told} of all {len(answers):,} samples. Expected both answers.")
        vector, explained = by_numbers(self.points.latents, torch.tensor(answers, dtype=torch.float64))
        short = name.rpartition(":")[2]
        return Direction(vector, "function", short, (f"not {short}", short), share=explained)

    def classes(self, names: Sequence[str], labels: Labels) -> list[Direction]:
        """Towards each class that some samples look like, and others do not; the best explained first.

        ``labels``: the class of each of ``pixels``.
        """
        found = []
        for number, name in enumerate(names):
            answers = (labels == number).double()
            if 0 < answers.mean() < 1:
                vector, explained = by_numbers(self.points.latents, answers)
                found.append(Direction(vector, "class", name, (f"not {name}", name), share=explained))
        return sorted(found, key=lambda direction: -(direction.share or 0.0))

    @torch.inference_mode()
    def _activations(self) -> Features:
        """Of the first layer, at all samples: n d."""
        network = self.generator.generator
        layer = getattr(network, "product", None) or network.blocks[0]
        seen: list[Tensor] = []
        handle = layer.register_forward_hook(lambda module, given, result: seen.append(result.flatten(1).cpu()))
        try:
            self.draw(self.points)
        finally:
            handle.remove()
        return torch.cat(seen)[: len(self.points)]
