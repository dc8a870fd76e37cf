"""Everything that can be measured on a GPU machine in one call: see gpu.sh. Needs torch, numpy, pillow, safetensors.

Images a second of the product's step, with its inputs on the device (call by call, recorded as one graph, recorded
with compiled networks) and of its whole training loop, at several batch sizes, for the chapter's networks and for
others; of the chapter's loop and of a tuned one; what gradient penalties cost; and whether the same steps taken twice
end in the same bits. Beside them what is possible: the rates of matrix products and copies, and the two-part roofline
from them, operations and bytes of a step, both counted. The most wanted comes first, since the time is limited.
Without a GPU a smoke run of the same code on the processor: its numbers mean nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.machine import (
    RESULTS,
    brief,
    entry_of,
    facts,
    read_results,
    run_rounds,
    slug,
    sources,
    timed,
    write_results,
)
from benchmarks.speed.cases import CASES, Case, drawn_pixels, tiny, to_words, write_pictures
from benchmarks.speed.limits import DTYPES, copy_rate, matrix_rate, roofline_seconds
from benchmarks.speed.plain_loops import chapter, plain, waiter
from benchmarks.speed.product import NUM_DRAWN, looping, single_steps, stepping
from dcgan.limits import available_threads
from dcgan.settings.recipes import recipe
from dcgan.training.accelerate import can_use_bf16

Measure = Callable[[], dict[str, Any]]

BATCHES, USUAL, SMALL = (64, 256, 1024, 4096), (256, 1024), (32, 128, 512)
RESERVED_SECONDS, COMPILING_SECONDS = 10.0, 40.0  # no measurement is begun when less than this is left
BARE = {"model__discriminator_norm": False, "training__reduction": "mean"}  # a critic that can be penalised,
PENALISED = BARE | {"training__real_penalty": 1.0, "training__fake_penalty": 1.0}  # and is, on the whole batch
NUM_REPEATED = 20  # steps that are taken twice


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
    entry["rounds"] = [{name: one for name, one in done.items() if "missing" not in one} for done in entry["rounds"]]
    print(f"{machine['accelerator']}, torch {machine['torch']}, until {arguments.minutes} minutes are over → {path}")
    with tempfile.TemporaryDirectory(prefix="dcgan-gpu-") as temporary:
        systems = all_systems(device, arguments.seconds, Path(temporary), smoke=smoke)
        within = {name: partial(attempted, name, system, deadline) for name, system in systems.items()}
        run_rounds(entry, 1, within, partial(write_results, path, results))
    for line in conclude(entry):
        print(line)
    write_results(path, results)


def attempted(name: str, system: Measure, deadline: float) -> dict[str, Any]:
    """Measure, or say why not, and go on: the next call tries again what is missing."""
    reserved = COMPILING_SECONDS if "compiled" in name else RESERVED_SECONDS
    if time.monotonic() > deadline - reserved:
        return _missing("the time was over")
    try:
        return system()
    except Exception as error:  # out of memory, a compiler that is not there, whatever else a strange machine has
        torch.cuda.empty_cache()
        return _missing(f"{type(error).__name__}: {error}")


def _missing(reason: str) -> dict[str, Any]:
    print(f"missing: {reason.splitlines()[0]}", flush=True)
    return {"missing": reason[:2000]}


def cases(*, smoke: bool) -> dict[str, Case]:
    """The chapter's networks, the default recipe's and the paper's, all at 64 x 64 in colour; 32 x 32 grey."""
    usual = CASES["chapter"]
    found = {"small": tiny(CASES["small"]) if smoke else CASES["small"]}
    for name in ("d2l", "modern", "radford2015"):
        model = recipe(name).model
        case = replace(usual, recipe=name, width=model.generator_width, norm_first=model.norm_first)
        found[name] = tiny(case) if smoke else case
    return found


def all_systems(device: torch.device, seconds: float, work: Path, *, smoke: bool) -> dict[str, Measure]:
    """Every measurement by its name, the most wanted first."""
    every, usual, small = ((8,), (8,), (8,)) if smoke else (BATCHES, USUAL, SMALL)
    precisions = ("bf16", "fp32") if can_use_bf16(device) else ("fp32",)
    best = precisions[0]
    systems: dict[str, Measure] = {f"rate {name}": partial(_rate, name, device, smoke) for name in DTYPES}
    systems["rate copy"] = partial(_copy, device, smoke)

    def add(way: str, how: Callable[..., Any], names: Any, batches: Any, kinds: Any = (best,), **more: Any) -> None:
        for name, precision, batch in product(names, kinds, batches):
            case = replace(cases(smoke=smoke)[name], batch=batch)
            measure = partial(_product, how, case, precision, device, seconds, **more)
            systems[f"{way} {name} {precision} batch {batch}"] = measure

    compiled = partial(stepping, step="compiled")
    add("graph", stepping, ["d2l"], every)
    add("compiled", compiled, ["d2l"], every[-2:])
    add("train", looping, ["d2l"], usual)
    for name, loop in (("chapter", chapter), ("plain", plain)):
        for batch in usual:
            case = replace(cases(smoke=smoke)["d2l"], batch=batch)
            systems[f"loop {name} batch {batch}"] = partial(_by_hand, loop, case, device, seconds, work)
    add("bare", partial(stepping, **BARE), ["d2l"], usual)
    add("penalised", partial(stepping, **PENALISED), ["d2l"], usual)
    add("penalised twice differentiated", partial(stepping, **PENALISED), ["d2l"], usual, twice=True)
    add("graph", stepping, ["small"], small)
    add("train", looping, ["small"], small)
    add("eager", partial(stepping, step="eager"), ["d2l"], every)
    add("train compiled", partial(looping, step="compiled"), ["d2l"], usual[-1:])
    for precision, step in product(precisions, ("graph", "eager")):
        case = replace(cases(smoke=smoke)["d2l"], batch=usual[0])
        systems[f"same bits twice, {step} {precision}"] = partial(_same_bits, case, precision, device, step)
    add("graph", stepping, ["d2l"], every, precisions[1:])
    add("eager", partial(stepping, step="eager"), ["small"], small)
    add("graph", stepping, ["modern", "radford2015"], usual)
    add("train", looping, ["modern", "radford2015"], usual)
    add("train", looping, ["d2l"], every, precisions)
    add("compiled", compiled, ["small"], small[:1])
    add("compiled", compiled, ["d2l"], usual)
    return systems


def _rate(precision: str, device: torch.device, smoke: bool) -> dict[str, Any]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32  # as the convolutions have it
    try:
        rate = matrix_rate(DTYPES[precision], 256 if smoke else 8192, device, products=5 if smoke else 200)
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
    twice: bool = False,
) -> dict[str, Any]:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with differentiated_twice(twice), make(case, _pixels_of(case), precision, str(device)) as step:
        result = timed(step, seconds, wait=waiter(device))
    if device.type == "cuda":
        result["memory_mb"] = torch.cuda.max_memory_allocated() / 1e6
        torch.cuda.empty_cache()
    return result | {"case": to_words(case), "precision": precision}


def _same_bits(case: Case, precision: str, device: torch.device, step: str) -> dict[str, Any]:
    """Whether the same steps from the same weights, taken anew, end in the same bits: what exact resuming rests on."""
    ends = []
    for _ in range(2):
        state, take = single_steps(case, _pixels_of(case), precision, str(device), step=step)
        for _ in range(NUM_REPEATED):
            take()
        ends.append({name: tensor.cpu() for name, tensor in state.tensors().items()})
    first, second = ends
    different = [name for name, tensor in first.items() if not torch.equal(tensor, second[name])]
    return {"tensors": len(first), "different": len(different), "names": different[:10]}


def _pixels_of(case: Case) -> np.ndarray:
    return _pixels(case.size, case.channels, 16 if case.width < 8 else NUM_DRAWN)


@cache
def _pixels(size: int, channels: int, count: int) -> np.ndarray:
    return drawn_pixels(size, channels, count)


def differentiated_twice(on: bool) -> AbstractContextManager[object]:
    """Penalties as they are for a critic that has no adjoint."""
    return patch("dcgan.training.penalties.has_adjoint", lambda network: False) if on else nullcontext()


def conclude(entry: dict[str, Any]) -> Iterator[str]:
    """Add to the measurements what follows from them; the same in lines."""
    done = entry["rounds"][0]
    yield from add_rooflines(done)
    entry["summary"] = {"best": best_of(done), "ratios": ratios_of(done)}
    if best := entry["summary"]["best"]:
        yield f"best: {best['name']}, {brief(best)}"
    for name, ratio in entry["summary"]["ratios"].items():
        yield f"{name}: {ratio:.3f}"
    for name, result in done.items():
        if "different" in result:
            yield f"{name}: {result['different']} of {result['tensors']} tensors differ"
        if "missing" in result:
            yield f"{name}: missing ({result['missing'].splitlines()[0]})"


def add_rooflines(done: dict[str, Any]) -> Iterator[str]:
    """The share of its roofline that each of the product's steps reached, and what it is counted from.

    A step takes at least as long as its operations, and at least as long as its bytes: ``share`` is of the longer of
    the two; ``share_of_sum`` of both one after the other, as if nothing overlapped.
    """
    bandwidth = done.get("rate copy", {}).get("bytes_per_second")
    for name, result in done.items():
        rate = done.get(f"rate {result.get('precision')}", {}).get("operations_per_second")
        if "images_per_second" not in result or not (rate and bandwidth) or name.startswith(("bare", "penalised")):
            continue  # penalties are further operations, which are not counted
        case = Case(**result["case"])
        roof = roofline_seconds(case, result["precision"], rate, bandwidth)
        seconds = case.batch / result["images_per_second"]
        parts = roof["operations_seconds"], roof["bytes_seconds"]
        result["roofline"] = roof | {
            "images_per_second": case.batch / max(parts),
            "share": max(parts) / seconds,
            "share_of_sum": sum(parts) / seconds,
        }
        yield f"{name}: {result['images_per_second']:,.0f} images/s, roofline: {brief(result['roofline'])}"


def best_of(done: dict[str, Any]) -> dict[str, Any]:
    """The fastest step of the chapter's networks; empty without any."""
    steps = {name: result for name, result in done.items() if "roofline" in result and " d2l " in name}
    if not steps:
        return {}
    name = max(steps, key=lambda name: steps[name]["images_per_second"])
    return {
        "name": name,
        "images_per_second": steps[name]["images_per_second"],
        "share": steps[name]["roofline"]["share"],
        "share_of_sum": steps[name]["roofline"]["share_of_sum"],
    }


def ratios_of(done: dict[str, Any]) -> dict[str, float]:
    """How many times as fast: the product as the two loops, recorded or compiled as not, plain as penalised."""
    speeds = {name: result["images_per_second"] for name, result in done.items() if "images_per_second" in result}
    pairs = []
    batches = sorted({int(name.rpartition(" ")[2]) for name in speeds})
    for name, precision, batch in product(("d2l", "small"), DTYPES, batches):
        of = f"{name} {precision} batch {batch}"
        ours, theirs = (f"train {of}", f"train compiled {of}"), ("chapter", "plain")
        if name == "d2l":
            pairs += [(way, f"loop {loop} batch {batch}") for way, loop in product(ours, theirs)]
        pairs += [(f"{way} {of}", f"eager {of}") for way in ("graph", "compiled")]
        pairs += [(f"compiled {of}", f"graph {of}")]
        pairs += [(f"bare {of}", f"penalised {of}"), (f"bare {of}", f"penalised twice differentiated {of}")]
        pairs += [(f"graph {of}", f"penalised {of}")]
    return {
        f"{one} / {other}": speeds[one] / speeds[other] for one, other in pairs if one in speeds and other in speeds
    }


if __name__ == "__main__":
    main()
