"""What is fastest on this machine: decided before step 0, kept with the run, never asked again.

The precision follows from the device alone: where it has units for bfloat16, a step in bf16 was 1.2 to 3.3 times as
fast as one in fp32 at every size and width (docs/speed.md), and elsewhere it is slower. It is a rule and no
measurement, because a measurement on a busy machine would give one command now these weights, now those.
On CUDA the whole step is recorded as one graph. Compiling the networks first may make it faster, but costs about half
a minute before step 0, and part of that again at each start; so it is only tried for budgets of which that is a small
share.
"""

from collections.abc import Callable

import torch

from dcgan.hardware import choose_device
from dcgan.notation import parse_budget
from dcgan.settings.config import Config
from dcgan.training.accelerate import can_use_bf16
from dcgan.training.compiled import trouble_with_compiling, why
from dcgan.training.speed import measure_speed

SPEED_SECONDS = 0.6  # of measuring, for each choice
COMPILING_SECONDS = 30.0
COMPILING_SHARE = 0.05  # of the time that a run will take


def fastest(
    config: Config, device: torch.device, epoch_size: int, say: Callable[[str], object]
) -> tuple[Config, float | None]:
    """The config with precision and way of stepping decided, and its images a second as far as they were measured."""
    config, is_open = _possible_step(config, device, say)
    speed = None
    if config.hardware.precision == "auto":
        config = config.override({"hardware.precision": precision_of(device)})
    if is_open:
        speed = measure_speed(config, device, SPEED_SECONDS)
        if _seconds(config, speed, epoch_size) * COMPILING_SHARE >= COMPILING_SECONDS:
            config, speed = _compiled_if_faster(config, device, speed, say)
    return config, speed


def speed_of(config: Config) -> float:
    """Images a second, in the precision and by the way of stepping that the config most likely will have."""
    device, hardware = choose_device(config.hardware.device), config.hardware
    likely = {
        "hardware.precision": precision_of(device),
        "hardware.step": "graph" if device.type == "cuda" else "eager",
    }
    still_open = {key: value for key, value in likely.items() if getattr(hardware, key.split(".")[1]) == "auto"}
    return measure_speed(config.override(still_open), device, SPEED_SECONDS)


def precision_of(device: torch.device) -> str:
    """``bf16`` where the device has units for it, ``fp32`` elsewhere."""
    return "bf16" if can_use_bf16(device) else "fp32"


def _possible_step(config: Config, device: torch.device, say: Callable[[str], object]) -> tuple[Config, bool]:
    """The config with a way of stepping that there is here, and whether there may be a faster one."""
    way, is_open = config.hardware.step, False
    if device.type != "cuda":
        way = "eager"
    elif way == "auto":
        way, is_open = "graph", True
    elif way == "compiled" and (trouble := trouble_with_compiling(device)):
        say(f"hardware.step = compiled: nothing can be compiled here ({trouble:.200}); the step is recorded as it is.")
        way = "graph"
    return config.override({"hardware.step": way}), is_open


def _compiled_if_faster(
    config: Config, device: torch.device, speed: float, say: Callable[[str], object]
) -> tuple[Config, float]:
    compiled = config.override({"hardware.step": "compiled"})
    say("Trying whether compiled networks are faster: about half a minute, once.")
    try:
        found = measure_speed(compiled, device, SPEED_SECONDS, best=speed)
    except Exception as error:  # whatever a compiler stumbles over: the recorded step is as right
        say(f"They cannot be compiled here ({why(error):.200}); the step is recorded as it is.")
        return config, speed
    return (compiled, found) if found > speed else (config, speed)


def _seconds(config: Config, speed: float, epoch_size: int) -> float:
    """About how long the run will take."""
    budget = parse_budget(config.training.budget)
    if budget.unit == "seconds":
        return budget.amount
    return budget.amount * (epoch_size if budget.unit == "epochs" else 1) / speed
