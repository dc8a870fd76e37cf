"""Two hundred steps of ``modern`` in miniature: what a change of the code that changes nothing must not move.

python tests/training/golden_trace.py    writes golden_trace.json anew, after a change that is meant to move it
"""

import hashlib
import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dcgan.data.batches import Batches
from dcgan.data.sources.critters import draw
from dcgan.hardware import bit_borders
from dcgan.settings.config import Config
from dcgan.settings.recipes import recipe
from dcgan.settings.rules import Facts, decisions
from dcgan.training.loop import train_steps
from dcgan.training.setup import advance_of, feed_of, new_state, rules_of
from dcgan.training.speed import warm_up
from dcgan.training.state import TrainingState

KEPT = Path(__file__).with_name("golden_trace.json")
CPU = torch.device("cpu")
NUM_IMAGES, SIZE, BATCH, STEPS, EVERY = 90, 16, 8, 200, 10
HASHED_AT = (40, STEPS)  # steps
ASKED = {
    "data.height": SIZE, "data.width": SIZE, "training.budget": str(STEPS * BATCH), "training.batch_size": BATCH,
    "model.generator_width": 4, "model.discriminator_width": 4,
}  # fmt: skip
FOUND = {
    "model.image_channels": 3, "model.num_classes": 0, "training.images": STEPS * BATCH, "training.flip": "on",
    "hardware.step": "eager", "hardware.precision": "fp32",
}  # fmt: skip


def config() -> Config:
    """What the rules decide for few small images on a processor."""
    facts = Facts(
        height=SIZE, width=SIZE, channels=3, num_images=NUM_IMAGES, num_classes=0, class_sizes=(0, 0),
        class_share=0.0, device="cpu", reach=float(STEPS * BATCH),
    )  # fmt: skip
    asked = recipe("modern").asked(ASKED)
    return asked.decided(*decisions(asked, facts)).decided(FOUND)


def trace(num_steps: int = STEPS) -> dict[str, Any]:
    """The numbers of every tenth step, hashes of all that training would go on from, and where they were computed."""
    chosen = config()
    pixels = np.stack([draw(index, SIZE, SIZE)[..., :3] for index in range(NUM_IMAGES)])
    batches = Batches(pixels, np.arange(NUM_IMAGES), batch_size=BATCH, seed=0)
    warm_up(chosen, CPU, batches.sizes)
    state = new_state(chosen, CPU)
    feed, advance = feed_of(chosen, batches, CPU), advance_of(state, rules_of(chosen, CPU), "eager")
    reports, hashes = list[list[float]](), dict[str, str]()
    for number, report in enumerate(islice(train_steps(state, feed, advance, training=chosen.training), num_steps)):
        if number % EVERY == 0:
            reports.append([float(value) for value in report[1:]])
        if number + 1 in HASHED_AT:
            hashes[str(number + 1)] = hash_of(state)
    borders = {name: value for name, value in bit_borders().items() if name != "dcgan"}
    return {"borders": borders, "sha256": hashes, "steps": reports}


def hash_of(state: TrainingState) -> str:
    """Of every tensor and its name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.tensors().items()):
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    torch.set_num_threads(1)
    KEPT.write_text(json.dumps(trace(), indent=1) + "\n")
