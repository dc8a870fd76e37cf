"""Numbers become networks: (generator, discriminator), their first weights a function of the seed."""

from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from dcgan.errors import UserError
from dcgan.models.dcgan import Discriminator, Generator
from dcgan.models.moving import move_as_asked
from dcgan.models.published import PublishedGenerator
from dcgan.models.residual import ResidualDiscriminator, ResidualGenerator, first_deviation
from dcgan.models.spectral import SUFFIX, normalise_spectrally, start_iteration
from dcgan.notation import stages
from dcgan.randomness import latents
from dcgan.settings.knobs import ModelConfig

AnyGenerator = Generator | PublishedGenerator | ResidualGenerator
AnyDiscriminator = Discriminator | ResidualDiscriminator

STANDARD_DEVIATION = 0.02  # of the first weights: Radford et al. 2015, section 4


def build(config: ModelConfig, height: int, width: int, *, seed: int) -> tuple[AnyGenerator, AnyDiscriminator]:
    """Both networks for images of ``height`` x ``width``, in training mode, on the CPU, float32.

    ``config.image_channels`` and ``config.num_classes`` must be known by now.
    """
    generator, discriminator = build_blank(config, height, width)
    initialize(generator, "generator", seed=seed, what=config.initialization)
    initialize(discriminator, "discriminator", seed=seed, what=config.initialization)
    start_iteration(discriminator, "discriminator", seed=seed)
    return generator, discriminator


def build_blank(config: ModelConfig, height: int, width: int) -> tuple[AnyGenerator, AnyDiscriminator]:
    """Both networks with any weights: to be loaded into, or to be timed."""
    if config.family == "published":
        raise UserError("model.family = published: nothing trains it. dcgan import newmu reads such networks.")
    generator = build_generator(config, height, width)
    shape = _shape(config, height, width)
    discriminator: AnyDiscriminator
    with _own_random_state():
        if config.family == "residual":
            discriminator = ResidualDiscriminator(**shape, width=config.discriminator_width)
        else:
            discriminator = Discriminator(
                **shape,
                width=config.discriminator_width,
                negative_slope=config.negative_slope,
                norm=config.discriminator_norm,
                norm_first=config.norm_first,
                bias=config.discriminator_bias,
            )
        move_as_asked(discriminator, config.norm_statistics)
        if config.spectral_norm:
            normalise_spectrally(discriminator)
    return generator, discriminator


def build_generator(config: ModelConfig, height: int, width: int) -> AnyGenerator:
    """The generator alone, its weights yet to be loaded."""
    shape = _shape(config, height, width) | {"width": config.generator_width, "latent_size": config.latent_size}
    with _own_random_state():
        if config.family == "residual":
            return ResidualGenerator(**shape)
        if config.family == "published":
            return PublishedGenerator(**shape)
        generator = Generator(**shape, norm_momentum=config.generator_norm_momentum)
        move_as_asked(generator, config.norm_statistics)
        return generator


def _shape(config: ModelConfig, height: int, width: int) -> dict[str, Any]:
    """What both networks of a pair have in common."""
    num_stages = stages(height, width)
    assert config.image_channels is not None, config
    return {
        "base": (height >> num_stages, width >> num_stages),
        "num_stages": num_stages,
        "image_channels": config.image_channels,
        "num_classes": config.num_classes or 0,
    }


def _own_random_state() -> AbstractContextManager[None]:
    """torch's layers draw weights of their own when they are made: not from a caller's random numbers."""
    return torch.random.fork_rng(devices=[])


@torch.no_grad()
def initialize(network: nn.Module, name: str, *, seed: int, what: str = "weights") -> None:
    """Draw the first weights: each tensor a function of the seed and of its own name.

    Those of the 2015 pair from N(0, 0.02). ``what``: ``weights`` draws the gains of its batch normalisation from
    N(1, 0.02), with biases 0, as the code published with the paper does; ``everything`` draws both as it draws weights,
    as the chapter's PyTorch code does; ``convolutions`` leaves them at 1 and 0, as the chapter's Gluon code does.
    """
    residual = isinstance(network, ResidualGenerator | ResidualDiscriminator)
    norms = {f"{path}." for path, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    for path, parameter in network.named_parameters():
        noise = latents(0, 1, parameter.numel(), seed=seed, stream=f"initial/{name}/{path.replace(SUFFIX, '.weight')}")
        deviation = first_deviation(path, parameter) if residual else STANDARD_DEVIATION
        parameter.copy_(deviation * noise.reshape(parameter.shape))
        if what == "everything":
            continue
        if path.endswith("bias"):
            parameter.zero_()
        elif any(path.startswith(norm) for norm in norms):
            parameter.fill_(1) if what == "convolutions" else parameter.add_(1)
