"""What makes a step fast: memory layout, precision, fused optimisers; and how fast it then is."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import nn
from torch.optim import Adam

from dcgan.config import Config
from dcgan.data.pixels import to_pixels
from dcgan.knobs import TrainingConfig
from dcgan.models.build import build, build_blank
from dcgan.randomness import latents
from dcgan.training.augment import StrengthController
from dcgan.training.average import average_of
from dcgan.training.capture import CapturedSteps
from dcgan.training.feed import Inputs, draws_of
from dcgan.training.loop import Advance, advance_by
from dcgan.training.objectives import compares, discriminator_loss, generator_loss, sureness
from dcgan.training.schedules import Rates
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


def adam(network: nn.Module, learning_rate: float, training: TrainingConfig) -> Adam:
    """Kingma, Ba 2015 (arXiv 1412.6980), in one pass over the weights; its learning rate can be refilled."""
    device = next(network.parameters()).device
    # On a processor float64, so that it is the same as a number; elsewhere the kernels read float32.
    rate = torch.tensor(learning_rate, dtype=torch.float64 if device.type == "cpu" else torch.float32, device=device)
    betas = (training.beta1, training.beta2)
    return Adam(network.parameters(), lr=rate, betas=betas, fused=True, capturable=device.type == "cuda")


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


def fastest_advance(state: TrainingState, rules: Rules) -> Advance:
    """How to take a step here: recorded once and replayed on CUDA, call by call elsewhere."""
    return CapturedSteps(state, rules) if state.journal_sums.is_cuda else partial(advance_by, state, rules)


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


def measure_speeds(config: Config, device: torch.device, precisions: Sequence[str], seconds: float) -> list[float]:
    """Images a second of full steps in each precision, on throw-away networks and images.

    A precision that is clearly slower than one before it is given up early.
    """
    state, count = new_state(config, device, blank=True), config.training.batch_size
    noise = latents(0, count, config.model.latent_size, seed=0, stream="speed").to(device)
    labels = torch.zeros(count, dtype=torch.int64, device=device) if config.model.num_classes else None
    with torch.no_grad():
        draws = draws_of(0, count, seed=0).to(device) if config.training.uses_draws else None
        inputs = Inputs(to_pixels(state.generator(noise, labels)), noise, labels, draws)  # any images will do
    rates = Rates(augmentation=config.training.augmentation_strength)
    best, speeds = math.inf, []
    for precision in precisions:
        rules = rules_of(config.override({"hardware.precision": precision}), device)
        advance = fastest_advance(state, rules)
        duration = _duration(advance, inputs, rates, seconds, give_up=1.2 * best)
        if (every := config.training.penalty_every) > 1:
            free = _duration(advance, inputs, rates._replace(penalty=None), seconds, give_up=1.2 * best)
            duration = (duration + (every - 1) * free) / every
        best = min(best, duration)
        speeds.append(count / duration)
    return speeds


def _duration(advance: Advance, inputs: Inputs, rates: Rates, seconds: float, *, give_up: float) -> float:
    """Of a step: the lower quartile, since the slow ones waited for somebody else. The first one allocates."""
    advance(inputs, rates).sum().item()
    durations: list[float] = []
    while sum(durations) < seconds or len(durations) < 3:
        start = time.perf_counter()
        advance(inputs, rates).sum().item()
        durations.append(time.perf_counter() - start)
        if min(durations) > give_up:
            break
    return sorted(durations)[len(durations) // 4]
