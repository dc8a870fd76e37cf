"""Does a long run grow? Memory, open files and threads of this process, looked at again and again."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.torture.judge import status
from benchmarks.torture.tiny_runs import train

SETTLED = 0.25  # share of the run after which it should have all that it needs
MOST_GROWTH = 1.0  # megabytes in 10,000 steps


def course(source: Path, out: Path, steps: int, looks: int = 40, **settings: Any) -> dict[str, list[float]]:
    """Train so many steps, and look at this process so often."""
    every, found = steps // looks, {"megabytes": [], "files": [], "threads": []}
    for number, _ in enumerate(train(source, out, budget=8 * steps, **settings), 1):
        if number % every == 0:
            found["megabytes"].append(status("VmRSS"))
            found["files"].append(len(list(Path("/proc/self/fd").iterdir())))
            found["threads"].append(threading.active_count())
    return found


def leaks(found: dict[str, list[float]], steps: int) -> dict[str, Any]:
    """The slope of memory by least squares, and what is wrong with the course."""
    settled = {name: values[int(SETTLED * len(values)) :] for name, values in found.items()}
    places = np.linspace(SETTLED, 1, len(settled["megabytes"])) * steps / 10_000
    slope = float(np.polyfit(places, settled["megabytes"], 1)[0])
    wrong = [f"{slope:.2f} MB more in 10,000 steps"] if slope > MOST_GROWTH else []
    wrong += [f"{name}: {settled[name]}" for name in ("files", "threads") if len(set(settled[name])) > 1]
    return {"megabytes_in_10000_steps": slope, "wrong": wrong}
