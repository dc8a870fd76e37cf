"""For test_memory.py: ``python step_memory.py JSON`` takes two steps with these settings in a process of its own.

Prints the megabytes that the process grew by at most, and those that were told beforehand.
"""

import json
import sys
from pathlib import Path

import torch

from dcgan.settings.config import Config
from dcgan.training.feed import Inputs
from dcgan.training.memory import memory_of
from dcgan.training.schedules import Rates
from dcgan.training.setup import advance_of, new_state, rules_of

RESOLVED = {"model.image_channels": 3, "model.num_classes": 0, "hardware.precision": "fp32"}


def train(config: Config) -> None:
    device, count = torch.device("cpu"), config.training.batch_size
    state = new_state(config, device, blank=True)
    images = torch.zeros(count, 3, config.data.height, config.data.width, dtype=torch.uint8)
    inputs = Inputs(images, torch.zeros(count, config.model.latent_size))
    for _ in range(2):
        advance_of(state, rules_of(config, device), "eager")(inputs, Rates())


def megabytes(name: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def main() -> None:
    torch.set_num_threads(1)
    config = Config().asked(RESOLVED | json.loads(sys.argv[1]))
    told = sum(memory_of(config)) / 2**20
    train(config.asked({"training.batch_size": 2, "data.height": 16, "data.width": 16}))  # loads what there is
    Path("/proc/self/clear_refs").write_text("5")
    before = megabytes("VmRSS")
    train(config)
    print(json.dumps([megabytes("VmHWM") - before, told]))


if __name__ == "__main__":
    main()
