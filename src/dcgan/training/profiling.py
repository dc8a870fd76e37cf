"""Where the time of a step goes: a trace to zoom into, and a table to read."""

from collections import defaultdict
from collections.abc import Generator

import torch
from torch.profiler import ProfilerActivity

from dcgan.files import write_atomically, write_with
from dcgan.runs.folder import RunFolder
from dcgan.training.step import StepReport

SKIPPED_STEPS = 5  # of a start: caches fill, algorithms are chosen
PROFILED_STEPS = 20

# What an operation belongs to, by the first word that its name holds.
KINDS = {
    "convolution": ("convolution", "mkldnn_convolution", "cudnn_convolution", "conv"),
    "batch normalisation": ("batch_norm",),
    "activation": ("relu", "tanh", "threshold", "clamp"),
    "loss": ("softplus", "mean", "sum"),
    "optimiser": ("adam",),
    "average": ("_foreach", "lerp"),
    "change of type or layout": ("_to_copy", "copy_", "to", "contiguous", "clone"),
    "images to numbers": ("div", "sub"),
}


def profiled(steps: Generator[StepReport], run: RunFolder) -> Generator[StepReport]:
    """The same steps; those after the first few are watched, and what was seen is written into the run's folder."""
    for _ in range(SKIPPED_STEPS):
        if (report := next(steps, None)) is None:
            return
        yield report
    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
    with torch.profiler.profile(activities=activities, acc_events=True) as profiler:  # else 2.11 warns
        for _ in range(PROFILED_STEPS):
            if (report := next(steps, None)) is None:
                break
            yield report
    write_with(run.trace, lambda file: profiler.export_chrome_trace(str(file)))
    write_atomically(run.time_table, table(profiler).encode())
    yield from steps


def table(profiler: torch.profiler.profile) -> str:
    """Share of the time by kind of operation, then by operation, as text."""
    events = profiler.key_averages()
    on_gpu = any(event.self_device_time_total for event in events)
    times = {event.key: event.self_device_time_total if on_gpu else event.self_cpu_time_total for event in events}
    total = sum(times.values()) or 1.0
    kinds: dict[str, float] = defaultdict(float)
    for name, microseconds in times.items():
        kinds[kind_of(name)] += microseconds
    lines = [f"Where the time of {PROFILED_STEPS} steps goes ({'GPU' if on_gpu else 'CPU'} time)", ""]
    lines += [_line(kind, microseconds, total) for kind, microseconds in _longest_first(kinds)]
    lines += ["", "The same by operation", ""]
    lines += [_line(name, microseconds, total) for name, microseconds in _longest_first(times)[:25]]
    return "\n".join(lines) + "\n"


def kind_of(name: str) -> str:
    """The kind of an operation, by its name."""
    bare = name.removeprefix("aten::").lower()
    return next((kind for kind, words in KINDS.items() if any(word in bare for word in words)), "other")


def _longest_first(times: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(times.items(), key=lambda item: -item[1])


def _line(name: str, microseconds: float, total: float) -> str:
    return f"{microseconds / total:6.1%} {microseconds / 1000 / PROFILED_STEPS:9.2f} ms a step  {name}"
