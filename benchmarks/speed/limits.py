"""How fast a step could be here at most: its operations at the rate of matrix products, its convolutions alone."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.machine import answer
from benchmarks.speed.cases import Case, Layer, layers, operations_per_image, step_bytes
from benchmarks.speed.plain_loops import waiter
from dcgan.hardware import keep_big_blocks

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def limits(
    case: dict[str, Any],
    precision: str,
    threads: int,
    *,
    matrix_size: int = 4096,
    repeats: int = 5,
    device: str = "cpu",
) -> dict[str, Any]:
    """Images a second that the matrix rate would allow, and that the convolutions alone take."""
    if device == "cpu":
        keep_big_blocks()
    torch.set_num_threads(threads)
    shape, place = Case(**case), torch.device(device)
    rate = matrix_rate(DTYPES[precision], matrix_size, place)
    alone = convolutions(shape, DTYPES[precision], place, repeats=repeats)
    seconds = sum(float(row["seconds"]) for row in alone)
    operations = operations_per_image(shape)
    return {
        "matrix_gflop_per_second": rate / 1e9,
        "operations_per_image": operations,
        "matrix_images_per_second": rate / operations,
        "convolution_seconds": seconds,
        "convolution_images_per_second": shape.batch / seconds,
        "passes": alone,
    }


def matrix_rate(dtype: torch.dtype, size: int, device: torch.device, products: int = 5) -> float:
    """Operations a second of the best of so many products of square matrices of random numbers."""
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    return 2 * size**3 / min(durations(lambda: left @ right, products, device))


def copy_rate(device: torch.device, num_bytes: int = 2**31) -> float:
    """Bytes a second of a copy within the device's memory, those read and those written."""
    source = torch.zeros(num_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * num_bytes / min(durations(lambda: target.copy_(source), 5, device))


def roofline_seconds(case: Case, precision: str, rate: float, bandwidth: float) -> dict[str, float]:
    """A step's operations and its bytes at the machine's rates: it can be no faster than the slower of the two."""
    operations = case.batch * operations_per_image(case)
    moved = step_bytes(case, 2 if precision == "bf16" else 4)
    return {
        "operations": operations,
        "bytes": moved,
        "operations_seconds": operations / rate,
        "bytes_seconds": moved / bandwidth,
    }


def durations(work: Callable[[], object], count: int, device: torch.device) -> list[float]:
    """Seconds of each of so many repetitions, after one more that allocates."""
    wait, measured = waiter(device), []
    for _ in range(count + 1):
        wait()
        start = time.perf_counter()
        work()
        wait()
        measured.append(time.perf_counter() - start)
    return measured[1:]


def convolutions(case: Case, dtype: torch.dtype, device: torch.device, *, repeats: int) -> list[dict[str, Any]]:
    """Seconds of every convolution of a step: pass by pass, layer by layer, the median, times how often it is due.

    The first layer of each network has an input gradient only where somebody wants it: the generator's from nobody,
    the discriminator's in the generator's turn.
    """
    rows = []
    for name, network in zip(("generator", "discriminator"), layers(case), strict=True):
        for index, layer in enumerate(network):
            first = index == 0
            if name == "generator":
                due = {"forward": 1, "backward by weights" if first else "backward by both": 1}
            else:
                own = "backward by weights" if first else "backward by both"
                due = {"forward": 3, own: 2, "backward by input": 1}
            kernels = _passes(layer, case.batch, dtype, device)
            for which, times in due.items():
                seconds = times * statistics.median(durations(kernels[which], repeats, device))
                operations = times * (1 + (which == "backward by both")) * case.batch * layer.operations
                words = f"{name} {index + 1} ({layer.in_channels} to {layer.out_channels})"
                rows.append({"layer": words, "pass": which, "operations": operations, "seconds": seconds})
    return rows


def _passes(layer: Layer, batch: int, dtype: torch.dtype, device: torch.device) -> dict[str, Callable[[], object]]:
    """The kernels of one layer as a step calls them, channels last."""

    def fresh(*shape: int) -> Tensor:
        return torch.randn(shape, device=device).to(dtype, memory_format=torch.channels_last)

    first, second = (
        (layer.in_channels, layer.out_channels) if layer.transposed else (layer.out_channels, layer.in_channels)
    )
    weight = fresh(first, second, layer.kernel, layer.kernel)
    inputs = fresh(batch, layer.in_channels, layer.in_side, layer.in_side)
    gradient = fresh(batch, layer.out_channels, layer.out_side, layer.out_side)
    function = F.conv_transpose2d if layer.transposed else F.conv2d
    stride, padding = [layer.stride] * 2, [layer.padding] * 2

    def backward(by_input: bool, by_weights: bool) -> Callable[[], object]:
        mask = [by_input, by_weights, False]
        shape = (None, stride, padding, [1, 1], layer.transposed, [0, 0], 1, mask)
        return lambda: torch.ops.aten.convolution_backward(gradient, inputs, weight, *shape)

    return {
        "forward": lambda: function(inputs, weight, None, stride, padding),
        "backward by both": backward(True, True),
        "backward by weights": backward(False, True),
        "backward by input": backward(True, False),
    }


if __name__ == "__main__":
    answer({"limits": limits})
