"""How fast a step is here, measured on throw-away networks and images."""

import math
import time
from collections.abc import Iterable
from functools import partial

import torch

from dcgan.data.pixels import to_pixels
from dcgan.randomness import latents
from dcgan.settings.config import Config
from dcgan.training.feed import Inputs, draws_of
from dcgan.training.loop import Advance
from dcgan.training.schedules import Rates
from dcgan.training.setup import advance_of, new_state, rules_of
from dcgan.training.waiting import Waiting

STEPS_TOGETHER = 10  # between two looks at the clock, for which a GPU's queue runs dry


def measure_speed(config: Config, device: torch.device, seconds: float, *, best: float = 0.0) -> float:
    """Images a second of full steps; given up early when it is clearly slower than ``best``."""
    rates, count = _rates(config), config.training.batch_size
    advance, inputs = _throwaway(config, device, count)
    together = STEPS_TOGETHER if device.type == "cuda" else 1
    give_up = 1.2 * count / best if best else math.inf
    time_of = partial(_duration, advance, inputs, together=together, seconds=seconds, give_up=give_up)
    with Waiting(torch.get_num_threads()):
        duration = time_of(rates)
        if (every := config.training.penalty_every) > 1:
            free = time_of(rates._replace(penalty=None))
            duration = (duration + (every - 1) * free) / every
    return count / duration


def warm_up(config: Config, device: torch.device, batch_sizes: Iterable[int]) -> None:
    """Take a step of each kind on throw-away networks, so that no step of the run is the first one of its process.

    At its first call a library chooses kernels, gathers threads and takes scratch memory. On one processor the first
    convolution of some processes differed from all later ones in its last bits (docs/exactness.md), and so did the
    runs. A recorded step warms up by itself.
    """
    if device.type != "cpu":
        return
    for count in batch_sizes:
        advance, inputs = _throwaway(config, device, count)
        rates = _rates(config)
        advance(inputs, rates)
        if config.training.penalty_every > 1:
            advance(inputs, rates._replace(penalty=None))


def _throwaway(config: Config, device: torch.device, count: int) -> tuple[Advance, Inputs]:
    """A way to take steps with networks of the run's shape, and inputs for them: any weights and images will do."""
    state = new_state(config, device, blank=True)
    noise = latents(0, count, config.model.latent_size, seed=0, stream="speed").to(device)
    labels = torch.zeros(count, dtype=torch.int64, device=device) if config.model.num_classes else None
    with torch.no_grad():
        draws = draws_of(0, count, seed=0).to(device) if config.training.uses_draws else None
        inputs = Inputs(to_pixels(state.generator(noise, labels)), noise, labels, draws)
    return advance_of(state, rules_of(config, device), config.hardware.step), inputs


def _rates(config: Config) -> Rates:
    return Rates(augmentation=config.training.augmentation_strength)


def _duration(
    advance: Advance, inputs: Inputs, rates: Rates, *, together: int, seconds: float, give_up: float
) -> float:
    """Of a step: the lower quartile, since the slow ones waited for somebody else. The first one allocates."""
    advance(inputs, rates).sum().item()
    durations: list[float] = []
    while together * sum(durations) < seconds or len(durations) < 3:
        start = time.perf_counter()
        for _ in range(together):
            numbers = advance(inputs, rates)
        numbers.sum().item()
        durations.append((time.perf_counter() - start) / together)
        if min(durations) > give_up:
            break
    return sorted(durations)[len(durations) // 4]
