"""What is fastest on this machine: decided before step 0, kept with the run, never asked again.

The precision follows from the device alone: where it has units for bfloat16, a step in bf16 was 1.2 to 3.3 times as
fast as one in fp32 at every size and width (docs/speed.md), and elsewhere it is slower. It is a rule and no
measurement, because a measurement on a busy machine would give one command now these weights, now those.
On CUDA the whole step is recorded as one graph. Compiling the networks first may make it faster, but costs about half
a minute before step 0, and part of that again at each start; so it is only tried for budgets of which that is a small
share.
"""

from collections.abc import Callable
from typing import Any

import torch

from dcgan.hardware import choose_device
from dcgan.notation import parse_budget
from dcgan.settings.config import Config
from dcgan.settings.knobs import HardwareConfig
from dcgan.training.accelerate import can_use_bf16
from dcgan.training.compiled import trouble_with_compiling, why
from dcgan.training.speed import measure_speed

SPEED_SECONDS = 0.6  # of measuring, for each choice
COMPILING_SECONDS = 30.0
COMPILING_SHARE = 0.05  # of the time that a run will take


def possible(
    hardware: HardwareConfig, device: torch.device, say: Callable[[str], object]
) -> tuple[dict[str, Any], bool]:
    """Precision and a way of stepping that there are here, as settings, and whether compiling may be faster."""
    way, may_compile = hardware.step, False
    if device.type != "cuda":
        way = "eager"
    elif way == "auto":
        way, may_compile = "graph", True
    elif way == "compiled" and (trouble := trouble_with_compiling(device)):
        say(f"hardware.step = compiled: nothing can be compiled here ({trouble:.200}); the step is recorded as it is.")
        way = "graph"
    precision = precision_of(device) if hardware.precision == "auto" else hardware.precision
    return {"hardware.precision": precision, "hardware.step": way}, may_compile


def compiled_if_faster(
    config: Config, device: torch.device, epoch_size: int, say: Callable[[str], object]
) -> tuple[Config, float]:
    """The config, with compiled networks where the run is long and they are faster, and its images a second."""
    speed = measure_speed(config, device, SPEED_SECONDS)
    if _seconds(config, speed, epoch_size) * COMPILING_SHARE < COMPILING_SECONDS:
        return config, speed
    compiled = config.decided({"hardware.step": "compiled"})
    say("Trying whether compiled networks are faster: about half a minute, once.")
    try:
        found = measure_speed(compiled, device, SPEED_SECONDS, best=speed)
    except Exception as error:  # whatever a compiler stumbles over: the recorded step is as right
        say(f"They cannot be compiled here ({why(error):.200}); the step is recorded as it is.")
        return config, speed
    return (compiled, found) if found > speed else (config, speed)


def speed_of(config: Config) -> float:
    """Images a second, in the precision and by the way of stepping that the config most likely will have."""
    device = choose_device(config.hardware.device)
    return measure_speed(config.decided(likely(config.hardware, device)), device, SPEED_SECONDS)


def likely(hardware: HardwareConfig, device: torch.device) -> dict[str, Any]:
    """What it will most likely come to, of what is left to the machine."""
    step = "graph" if device.type == "cuda" else "eager"
    found = {"precision": precision_of(device), "step": step}
    return {f"hardware.{name}": value for name, value in found.items() if getattr(hardware, name) == "auto"}


def precision_of(device: torch.device) -> str:
    """``bf16`` where the device has units for it, ``fp32`` elsewhere."""
    return "bf16" if can_use_bf16(device) else "fp32"


def _seconds(config: Config, speed: float, epoch_size: int) -> float:
    """About how long the run will take."""
    budget = parse_budget(config.training.budget)
    if budget.unit == "seconds":
        return budget.amount
    return budget.amount * (epoch_size if budget.unit == "epochs" else 1) / speed
