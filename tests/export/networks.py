"""Generators with weights that draw something, for tests of exports: no training, any shape."""

import torch

from dcgan.models.build import build_generator
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.config import Config


def generator(
    *, family: str = "dcgan", height: int = 16, width: int = 16, channels: int = 3, num_classes: int = 0,
    prior: str = "normal", bits: int = 8, statistics_batches: int = 2,
) -> TrainedGenerator:  # fmt: skip
    """A generator with random weights whose images have contrast, its statistics estimated as a run's are."""
    settings = {
        "model.family": family, "model.generator_width": 4, "model.latent_size": 12, "model.prior": prior,
        "model.image_channels": channels, "model.num_classes": num_classes, "data.height": height,
        "data.width": width, "model.statistics_batches": statistics_batches, "training.batch_size": 8,
        "model.discriminator_norm": family == "dcgan",
    }  # fmt: skip
    config = Config().asked(settings)
    network = build_generator(config.model, height, width)
    source = torch.Generator().manual_seed(7)
    for parameter in network.parameters():
        spread = 1.5 / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else 0.3
        parameter.data = torch.randn(parameter.shape, generator=source) * spread + (parameter.dim() == 1)
    names = [f"class {number}" for number in range(num_classes)]
    return TrainedGenerator(network, config, class_names=names, bits=bits).as_configured()


KINDS = {
    "grey 28x28": {"height": 28, "width": 28, "channels": 1},
    "colour 64x64": {"height": 64, "width": 64},
    "transparent 16x16": {"channels": 4},
    "5 channels, 32x32": {"height": 32, "width": 32, "channels": 5},
    "classes, uniform prior": {"num_classes": 3, "prior": "uniform"},
    "16 bits": {"channels": 1, "bits": 16},
    "running statistics": {"statistics_batches": 0},
    "residual 24x40": {"family": "residual", "height": 24, "width": 40},
    "residual, classes": {"family": "residual", "num_classes": 3, "channels": 1},
}
