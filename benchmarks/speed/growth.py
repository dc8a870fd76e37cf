"""How the cost of a step grows with the batch, the width of the networks and the size of the images."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from benchmarks.machine import ask
from benchmarks.speed.cases import CASES, Case, operations_per_image, to_words
from dcgan.training.accelerate import can_use_bf16

BATCHES, WIDTHS, SIZES = (16, 32, 64, 128, 256), (16, 32, 64, 96, 128), (16, 32, 48, 64, 96, 128)
USUAL_BATCH = 64  # where the width or the size grows
SHARE = 1 / 5  # of the seconds of a measurement: there are many


def points() -> dict[str, Case]:
    """The chapter's networks with one number changed at a time."""
    usual = CASES["chapter"]
    return {
        **{f"batch {batch}": replace(usual, batch=batch) for batch in BATCHES},
        **{f"width {width}": replace(usual, width=width, batch=USUAL_BATCH) for width in WIDTHS},
        **{f"size {size}": replace(usual, size=size, batch=USUAL_BATCH) for size in SIZES},
    }


def growth_systems(seconds: float, threads: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """The product's training loop at each point, in each precision."""
    precisions = ("fp32", "bf16") if can_use_bf16(torch.device("cpu")) else ("fp32",)
    return {
        f"{name} {precision}": partial(_measure, case, precision, seconds * SHARE, threads)
        for name, case in points().items()
        for precision in precisions
    }


def _measure(case: Case, precision: str, seconds: float, threads: int) -> dict[str, Any]:
    question = {"what": "loop", "case": to_words(case), "precision": precision, "seconds": seconds}
    result = ask("benchmarks.speed.product", question, threads=threads)
    gflop = operations_per_image(case) / 1e9
    return result | {"gflop_per_image": gflop, "gflop_per_second": gflop * result["images_per_second"]}
