"""Generators with random weights: of every kind that exploration must serve."""

from collections.abc import Callable

import pytest
import torch

from dcgan.models.build import build
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe

Make = Callable[..., TrainedGenerator]


def made(
    *, family: str = "dcgan", prior: str = "normal", classes: int = 0, channels: int = 3, size: int = 16
) -> TrainedGenerator:
    """A generator of 16 x 16 images with 6 latent numbers; its weights are large enough to draw something."""
    config: Config = recipe("modern").asked(
        {
            "data.height": size,
            "data.width": size,
            "model.family": family,
            "model.prior": prior,
            "model.latent_size": 6,
            "model.num_classes": classes,
            "model.image_channels": channels,
            "model.generator_width": 8,
            "model.discriminator_width": 8,
        }
    )
    generator, _ = build(config.model, size, size, seed=1)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(8 if parameter.ndim > 1 and family == "dcgan" else 1)
    return TrainedGenerator(generator, config, class_names=[f"class {number}" for number in range(classes)])


@pytest.fixture
def make() -> Make:
    return made
