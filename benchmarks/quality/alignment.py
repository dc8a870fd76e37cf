"""Does it matter where an array begins? The same operation on the same numbers at 16 places: how many results?

    python -m benchmarks.quality.alignment      a table, and benchmarks/results/alignment-<machine>.json

One result is what a step needs. Where there are more, two processes may differ whose arrays begin elsewhere.
"""

import hashlib
import sys
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.machine import RESULTS, facts, slug, sources, write_results

PLACES = range(0, 64, 4)  # bytes behind a multiple of 64
BATCH, LATENT, FEATURES = 32, 100, 256


def main() -> int:
    """Measure with one thread and with two, tell and write down."""
    found: dict[str, dict[str, int]] = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found[f"{threads} threads"] = {name: results(operation) for name, operation in operations().items()}
    for threads_, counts in found.items():
        print(f"{threads_}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    write_results(
        RESULTS / f"alignment-{slug(facts(2))}.json",
        {"measured": {"machine": facts(2), "sources": sources()}, "results": found},
    )
    return 0


def results(operation: Callable[[int], Tensor]) -> int:
    """How many different ones there are over all places."""
    return len({hashlib.sha256(operation(place).contiguous().numpy().tobytes()).digest() for place in PLACES})


def placed(tensor: Tensor, place: int) -> Tensor:
    """The same numbers in the same order of memory, from ``place`` bytes behind a multiple of 64 on."""
    room = torch.empty(tensor.numel() + 32, dtype=tensor.dtype)
    start = (-room.data_ptr() % 64 + place) // tensor.element_size()
    there = torch.as_strided(room[start:], tensor.shape, tensor.stride(), start)
    return there.copy_(tensor)


def operations() -> dict[str, Callable[[int], Tensor]]:
    """What a step has libraries do, by the place of one of its arrays."""
    random = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        numbers = torch.randn(shape, generator=random)
        return numbers.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else numbers

    latents, weights, gradient = draw(BATCH, LATENT), draw(1024, LATENT), draw(BATCH, 1024)
    features, score = draw(BATCH, FEATURES), draw(FEATURES)
    images, kernel, maps = draw(BATCH, 3, 16, 16), draw(16, 3, 4, 4), draw(BATCH, 16, 8, 8)
    return {
        "matrix product": lambda place: placed(latents, place) @ weights.t(),
        "its weights' gradient": lambda place: gradient.t() @ placed(latents, place),
        "matrix by vector": lambda place: placed(features, place) @ score,
        "convolution": lambda place: F.conv2d(placed(images, place), kernel, None, 2, 1),
        "its kernel elsewhere": lambda place: F.conv2d(images, placed(kernel, place), None, 2, 1),
        "transposed convolution": lambda place: F.conv_transpose2d(placed(maps, place), kernel, None, 2, 1),
        "sum": lambda place: placed(gradient, place).sum(),
    }


if __name__ == "__main__":
    sys.exit(main())
