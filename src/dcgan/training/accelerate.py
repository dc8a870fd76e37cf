"""What makes a step fast: memory layout, precision, fused optimisers, recording and compiling."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.optim import Adam

from dcgan.data.batches import Batches
from dcgan.models.build import build, build_blank
from dcgan.settings.config import Config
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.augment import StrengthController
from dcgan.training.average import average_of
from dcgan.training.capture import CapturedSteps
from dcgan.training.compiled import compile_networks
from dcgan.training.feed import Feed
from dcgan.training.loop import Advance, advance_by
from dcgan.training.objectives import compares, discriminator_loss, generator_loss, sureness
from dcgan.training.state import NUM_SUMS, TrainingState, prepare_moments
from dcgan.training.step import Rules


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


def to_device(network: nn.Module, device: torch.device) -> None:
    """Move the network there, channels last: ten times faster through batch normalisation on a CPU."""
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]


class QuickAdam(Adam):
    """Torch's Adam, its methods out of the wrappers that import torch's compiler to hide them from it: a second."""

    add_param_group = inspect.unwrap(Adam.add_param_group)
    zero_grad = inspect.unwrap(Adam.zero_grad)
    step = torch.no_grad()(inspect.unwrap(Adam.step))


def adam(network: nn.Module, learning_rate: float, training: TrainingConfig) -> Adam:
    """Kingma, Ba 2015 (arXiv 1412.6980), in one pass over the weights; its learning rate can be refilled."""
    device = next(network.parameters()).device
    # On a processor float64, so that it is the same as a number; elsewhere the kernels read float32.
    rate = torch.tensor(learning_rate, dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
    betas = (training.beta1, training.beta2)
    optimizer = QuickAdam(network.parameters(), lr=rate, betas=betas, fused=True, capturable=device.type == "cuda")
    # Else torch warns of the steps that come before the recording, which are meant.
    optimizer._warned_capturable_if_run_uncaptured = True
    return optimizer


def rules_of(config: Config, device: torch.device) -> Rules:
    """The step's rules from the config's words."""
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
    )


def feed_of(config: Config, batches: Batches, device: torch.device) -> Feed:
    """The inputs of each step."""
    model, drawn = config.model, config.training.uses_draws
    return Feed(
        batches, device, seed=config.seed, latent_size=model.latent_size, prior=model.prior, augmented=drawn
    )  # fmt: skip


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


def precision_context(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    """bf16: convolutions in bfloat16, weights and sums in float32."""
    if precision != "bf16":
        return nullcontext
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16)


def can_use_bf16(device: torch.device) -> bool:
    """Whether the device has the arithmetic, so that measuring it makes sense."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capability = torch.backends.cpu.get_cpu_capability()
        return capability.startswith("AVX512") and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return False
