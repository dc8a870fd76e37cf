"""Where training is put together: a config becomes state, rules, feed and a way to take steps."""

from functools import partial

import torch

from dcgan.data.batches import Batches
from dcgan.data.dataset import Dataset
from dcgan.models.build import build, build_blank
from dcgan.settings.config import Config
from dcgan.training.accelerate import adam, precision_context, to_device
from dcgan.training.augment import StrengthController
from dcgan.training.average import average_of
from dcgan.training.capture import CapturedSteps
from dcgan.training.compiled import compile_networks
from dcgan.training.feed import Feed
from dcgan.training.loop import Advance, advance_by
from dcgan.training.objectives import compares, discriminator_loss, generator_loss, sureness
from dcgan.training.state import NUM_SUMS, TrainingState, prepare_moments
from dcgan.training.step import Rules
from dcgan.training.team import ALONE, Team


def new_state(config: Config, device: torch.device, *, blank: bool = False) -> TrainingState:
    """Networks with their first weights, on the device, channels last; nothing learned yet.

    ``blank`` saves drawing weights that will be replaced, or that do not matter.
    """
    model, height, width = config.model, config.data.height, config.data.width
    networks = build_blank(model, height, width) if blank else build(model, height, width, seed=config.seed)
    generator, discriminator = networks
    to_device(generator, device)
    to_device(discriminator, device)
    sums_dtype = torch.float32 if device.type == "mps" else torch.float64
    state = TrainingState(
        generator=generator,
        discriminator=discriminator,
        average=average_of(generator) if config.training.averaged else None,
        generator_optimizer=adam(generator, config.training.generator_learning_rate, config.training),
        discriminator_optimizer=adam(discriminator, config.training.discriminator_learning_rate, config.training),
        journal_sums=torch.zeros(NUM_SUMS, dtype=sums_dtype, device=device),
        epoch_sums=torch.zeros(NUM_SUMS, dtype=sums_dtype, device=device),
    )
    if config.training.augmentation and config.training.augmentation_schedule == "adaptive":
        state.controller = StrengthController(device)
    prepare_moments(generator, state.generator_optimizer)
    prepare_moments(discriminator, state.discriminator_optimizer)
    return state


def rules_of(config: Config, device: torch.device, team: Team = ALONE) -> Rules:
    """The step's rules from the config's words, for this process of the team."""
    reduction, objective = config.training.reduction, config.training.objective
    return Rules(
        discriminator_loss=partial(discriminator_loss, reduction=reduction, objective=objective),
        generator_loss=partial(generator_loss, reduction=reduction, objective=objective),
        compares=compares(objective),
        sureness=partial(sureness, objective=objective),
        mirrored=config.training.flip == "on",
        policies=config.training.augmentation,
        summed=reduction == "sum",
        real_gamma=config.training.real_penalty or None,
        fake_gamma=config.training.fake_penalty or None,
        penalised_share=config.training.penalised_share,
        precision=precision_context(config.hardware.precision, device),
        shards=team.shards(config.training.shards),
    )


def batches_of(config: Config, dataset: Dataset) -> Batches:
    """The training images in the order in which they are shown."""
    return Batches(
        dataset.pixels,
        dataset.train,
        batch_size=config.training.batch_size,
        seed=config.seed,
        labels=dataset.labels if config.data.labels else None,
        short_last_batch=config.training.short_last_batch,
        window=config.training.shuffle_window or 0,
    )


def feed_of(config: Config, batches: Batches, device: torch.device, team: Team = ALONE) -> Feed:
    """The inputs of each step, as far as this process of the team computes it."""
    model, training = config.model, config.training
    return Feed(
        batches,
        device,
        seed=config.seed,
        latent_size=model.latent_size,
        prior=model.prior,
        augmented=training.uses_draws,
        share=team.share(training.shards),
    )


def advance_of(state: TrainingState, rules: Rules, way: str) -> Advance:
    """How steps are taken: ``eager``, call by call; ``graph``, recorded once and replayed; ``compiled``, both.

    All but eager need CUDA. Compiling changes the state's networks in place: they begin with it at their first call.
    On CUDA the convolutions of this process only use kernels that give the same bits each time, which a run that is
    continued rests on. In bf16 that costs nothing, in fp32 a seventh (docs/speed.md).
    """
    if state.journal_sums.device.type == "cuda":
        torch.backends.cudnn.deterministic = True
    if way == "eager":
        return partial(advance_by, state, rules)
    if way == "compiled":
        compile_networks(state, rules)
    return CapturedSteps(state, rules)
