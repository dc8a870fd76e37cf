"""Numbers become networks: (generator, discriminator), their first weights a function of the seed."""

from contextlib import AbstractContextManager

import torch
from torch import nn

from dcgan.knobs import ModelConfig
from dcgan.models.dcgan import Discriminator, Generator
from dcgan.models.spectral import SUFFIX, normalise_spectrally, start_iteration
from dcgan.notation import stages
from dcgan.randomness import latents

STANDARD_DEVIATION = 0.02  # of the first weights: Radford et al. 2015, section 4


def build(config: ModelConfig, height: int, width: int, *, seed: int) -> tuple[Generator, Discriminator]:
    """Both networks for images of ``height`` x ``width``, in training mode, on the CPU, float32.

    ``config.image_channels`` and ``config.num_classes`` must be known by now.
    """
    generator, discriminator = build_blank(config, height, width)
    everything = config.initialization == "everything"
    initialize(generator, "generator", seed=seed, everything=everything)
    initialize(discriminator, "discriminator", seed=seed, everything=everything)
    start_iteration(discriminator, "discriminator", seed=seed)
    return generator, discriminator


def build_blank(config: ModelConfig, height: int, width: int) -> tuple[Generator, Discriminator]:
    """Both networks with any weights: to be loaded into, or to be timed."""
    generator = build_generator(config, height, width)
    num_stages = stages(height, width)
    assert config.image_channels is not None, config
    with _own_random_state():
        discriminator = Discriminator(
            (height >> num_stages, width >> num_stages),
            num_stages,
            image_channels=config.image_channels,
            width=config.discriminator_width,
            num_classes=config.num_classes or 0,
            negative_slope=config.negative_slope,
            norm=config.discriminator_norm,
            norm_first=config.norm_first,
        )
        if config.spectral_norm:
            normalise_spectrally(discriminator)
    return generator, discriminator


def build_generator(config: ModelConfig, height: int, width: int) -> Generator:
    """The generator alone, its weights yet to be loaded."""
    num_stages = stages(height, width)
    assert config.image_channels is not None, config
    with _own_random_state():
        return Generator(
            (height >> num_stages, width >> num_stages),
            num_stages,
            image_channels=config.image_channels,
            width=config.generator_width,
            latent_size=config.latent_size,
            num_classes=config.num_classes or 0,
            norm_momentum=config.generator_norm_momentum,
        )


def _own_random_state() -> AbstractContextManager[None]:
    """torch's layers draw weights of their own when they are made: not from a caller's random numbers."""
    return torch.random.fork_rng(devices=[])


@torch.no_grad()
def initialize(network: nn.Module, name: str, *, seed: int, everything: bool) -> None:
    """Draw the first weights from N(0, 0.02): each tensor a function of the seed and of its own name.

    ``everything`` draws the gains and biases of batch normalisation in the same way, as the chapter's code does.
    Otherwise gains are drawn from N(1, 0.02) and biases are 0, as in the code published with the paper.
    """
    norms = {f"{path}." for path, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for path, parameter in network.named_parameters():
        noise = latents(0, 1, parameter.numel(), seed=seed, stream=f"initial/{name}/{path.replace(SUFFIX, '.weight')}")
        parameter.copy_(STANDARD_DEVIATION * noise.reshape(parameter.shape))
        if any(path.startswith(norm) for norm in norms) and not everything:
            if path.endswith("weight"):
                parameter.add_(1)
            else:
                parameter.zero_()
