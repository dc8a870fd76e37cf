"""Everything that can be measured on a GPU machine in one call: see gpu.sh. Needs torch, numpy, pillow, safetensors.

Images a second of the product's step (inputs on the device; recorded, recorded with compiled networks, or eager, call
by call) and of its whole training loop, for three recipes in float32 and bfloat16 at several batch sizes; of the
chapter's loop and the tuned one; the rates of matrix products and copies; and from these the two-part roofline:
operations and bytes of a step, both counted.
Without a GPU a smoke run of the same code on the processor: its numbers mean nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cases import CASES, Case, drawn_pixels, tiny, to_words, write_pictures
from limits import DTYPES, copy_rate, matrix_rate, roofline_seconds
from machine import RESULTS, brief, entry_of, facts, read_results, run_rounds, slug, sources, timed, write_results
from plain_loops import chapter, plain, waiter
from product import NUM_DRAWN, looping, stepping

from dcgan.limits import available_threads
from dcgan.recipes import recipe
from dcgan.training.accelerate import can_use_bf16

BATCHES = (64, 256, 1024, 4096)
RESERVED_SECONDS = 20.0  # no measurement is begun when less than this is left


def main() -> None:
    """Measure what fits into the time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results file")
    parser.add_argument("--minutes", type=float, default=7.5)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--smoke", action="store_true", help="the processor, tiny networks")
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    smoke = arguments.smoke or not torch.cuda.is_available()
    device = torch.device("cpu" if smoke else "cuda")
    if smoke:
        print("No GPU: a smoke run on the processor. These numbers mean nothing.")
        arguments.seconds = min(arguments.seconds, 0.05)
    machine = facts(available_threads())
    measured = {"machine": machine, "sources": sources(), "settings": {"seconds": arguments.seconds, "smoke": smoke}}
    path = arguments.out / f"{'gpu-smoke' if smoke else 'gpu'}-{slug(machine)}.json"
    results = read_results(path)
    entry = entry_of(results, "gpu", measured)
    entry["rounds"] = [{name: one for name, one in done.items() if "skipped" not in one} for done in entry["rounds"]]
    print(f"{machine['accelerator']}, torch {machine['torch']}, until {arguments.minutes} minutes are over → {path}")
    with tempfile.TemporaryDirectory(prefix="dcgan-gpu-") as temporary:
        systems = all_systems(device, arguments.seconds, Path(temporary), smoke=smoke)
        within = {name: partial(unless_late, system, deadline) for name, system in systems.items()}
        run_rounds(entry, 1, within, partial(write_results, path, results))
    add_rooflines(entry["rounds"][0])
    write_results(path, results)


def unless_late(system: Callable[[], dict[str, Any]], deadline: float) -> dict[str, Any]:
    """Measure, or say why not: too late (the next call goes on there), or too large for the device."""
    if time.monotonic() > deadline - RESERVED_SECONDS:
        return {"skipped": "the time was over"}
    try:
        return system()
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return {"skipped": "out of memory"}


def cases(*, smoke: bool) -> dict[str, Case]:
    """The chapter's networks, the default recipe's and the paper's, all at 64 x 64 in colour."""
    usual = CASES["chapter"]
    found = {}
    for name in ("d2l", "modern", "radford2015"):
        model = recipe(name).model
        case = replace(usual, recipe=name, width=model.generator_width, norm_first=model.norm_first)
        found[name] = tiny(case) if smoke else case
    return found


def all_systems(
    device: torch.device, seconds: float, work: Path, *, smoke: bool
) -> dict[str, Callable[[], dict[str, Any]]]:
    """Every measurement by its name, the most wanted first."""
    rates = {f"rate {name}": partial(_rate, name, device, smoke) for name in DTYPES}
    systems: dict[str, Callable[[], dict[str, Any]]] = {**rates, "rate copy": partial(_copy, device, smoke)}
    precisions = ("bf16", "fp32") if can_use_bf16(device) else ("fp32",)
    hand_written = cases(smoke=smoke)["d2l"]
    for batch in (8,) if smoke else (256, 1024):
        case = replace(hand_written, batch=batch)
        systems[f"loop chapter batch {batch}"] = partial(_by_hand, chapter, case, device, seconds, work)
        systems[f"loop plain batch {batch}"] = partial(_by_hand, plain, case, device, seconds, work)
    for name, case in cases(smoke=smoke).items():
        ways: dict[str, Callable[..., dict[str, Any]]] = {
            "step": partial(_product, stepping),
            "train": partial(_product, looping),
        }
        if name == "d2l":
            backend = "eager" if smoke else "inductor"  # a processor's compiler would take a minute
            ways["step, compiled networks"] = partial(_product, partial(stepping, backend=backend))
            ways["eager"] = partial(_product, partial(stepping, eager=True))
            ways["step, kernels searched"] = partial(_product, stepping, search=True)
        for batch, precision, way in product((8,) if smoke else BATCHES, precisions, ways):
            sized = replace(case, batch=batch)
            systems[f"{way} {name} {precision} batch {batch}"] = partial(ways[way], sized, precision, device, seconds)
    return systems


def _rate(precision: str, device: torch.device, smoke: bool) -> dict[str, Any]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32  # as the convolutions have it
    try:
        rate = matrix_rate(DTYPES[precision], 256 if smoke else 8192, device)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
    return {"operations_per_second": rate, "tf32": torch.backends.cudnn.allow_tf32}


def _copy(device: torch.device, smoke: bool) -> dict[str, Any]:
    return {"bytes_per_second": copy_rate(device, 2**20 if smoke else 2**31)}


def _by_hand(
    loop: Callable[..., dict[str, Any]], case: Case, device: torch.device, seconds: float, work: Path
) -> dict[str, Any]:
    folder = work / "pictures"
    if not folder.exists():
        write_pictures(case, folder, 40 if case.width < 8 else max(BATCHES))
    return loop(to_words(case), str(folder), 4 * seconds, available_threads(), str(device))


def _product(
    make: Callable[..., AbstractContextManager[Callable[[], int]]],
    case: Case,
    precision: str,
    device: torch.device,
    seconds: float,
    *,
    search: bool = False,
) -> dict[str, Any]:
    pixels = _pixels(case.size, case.channels, 16 if case.width < 8 else NUM_DRAWN)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with kernel_search(search), make(case, pixels, precision, str(device)) as step:
        result = timed(step, seconds, wait=waiter(device))
    if device.type == "cuda":
        result["memory_mb"] = torch.cuda.max_memory_allocated() / 1e6
        torch.cuda.empty_cache()
    return result | {"case": to_words(case), "precision": precision}


@cache
def _pixels(size: int, channels: int, count: int) -> np.ndarray:
    return drawn_pixels(size, channels, count)


@contextmanager
def kernel_search(on: bool) -> Iterator[None]:
    """cuDNN tries its kernels at the first sight of a shape, and keeps the fastest."""
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, on
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def add_rooflines(done: dict[str, Any]) -> None:
    """The share of its roofline that each of the product's measurements reached, with what it is counted from."""
    bandwidth = done["rate copy"].get("bytes_per_second")
    for name, result in done.items():
        if "precision" not in result or not bandwidth:
            continue
        case, rate = Case(**result["case"]), done[f"rate {result['precision']}"]["operations_per_second"]
        roof = roofline_seconds(case, result["precision"], rate, bandwidth)
        possible = case.batch / max(roof["operations_seconds"], roof["bytes_seconds"])
        result["roofline"] = roof | {
            "images_per_second": possible,
            "share": result["images_per_second"] / possible,
        }
        print(f"{name}: {result['roofline']['share']:.1%} of the roofline ({brief(roof)})")


if __name__ == "__main__":
    main()
