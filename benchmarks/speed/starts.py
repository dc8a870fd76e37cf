"""What a user waits for besides training: the first step, the preparing of images, the drawing of samples."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import ask, spread, watch
from benchmarks.speed.cases import CASES, to_words
from benchmarks.speed.product import command, train
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder

CASE = CASES["chapter"]
TORCH = "import torch"


def around_systems(pictures: Path, work: Path, seconds: float, threads: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Each start, each way to read a folder, and drawing 64 seeds."""
    starts = Starts(pictures, work, threads)
    question = {"case": to_words(CASE), "folder": str(pictures)}
    return {
        "import dcgan": lambda: _seconds_of([sys.executable, "-c", "import dcgan"], threads),
        TORCH: lambda: _seconds_of([sys.executable, "-c", "import torch"], threads),
        "start: first, images unseen": starts.first,
        "start: new run, images prepared": starts.second,
        "start: new run, precision measured": lambda: starts.second("auto"),
        "start: run continued": starts.continued,
        "preparing: dcgan": lambda: _preparing(question, threads),
        "preparing: the chapter's loader": partial(
            ask,
            "benchmarks.speed.plain_loops",
            {"what": "reading", "seconds": seconds / 5, **question},
            threads=threads,
        ),
        "sampling: 64 seeds, loaded": lambda: starts.sampled(seconds / 5),
        "sampling: dcgan sample, 64 files": starts.sample_command,
    }


def beyond_torch(rounds: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Seconds until each kind of start begins its first step, less those of ``import torch`` in the same round."""
    found: dict[str, list[float]] = {}
    for done in rounds:
        for name in [name for name in done if name.startswith("start: ") and TORCH in done]:
            found.setdefault(name, []).append(done[name]["seconds"] - done[TORCH]["seconds"])
    return {f"{name}, less {TORCH}": spread(values) for name, values in found.items()}


class Starts:
    """Runs of one batch: how long until the first step begins, and until its line is in the journal?"""

    def __init__(self, pictures: Path, work: Path, threads: int) -> None:
        self.pictures, self.work, self.threads = pictures, work, threads
        self.cache, self.run = work / "cache", RunFolder(work / "start")

    def first(self) -> dict[str, Any]:
        """Nothing is prepared."""
        shutil.rmtree(self.cache, ignore_errors=True)
        return self._start("fp32", steps=1, anew=True)

    def second(self, precision: str = "fp32") -> dict[str, Any]:
        """A new run on images that are prepared."""
        self._ready()
        return self._start(precision, steps=1, anew=True)

    def continued(self) -> dict[str, Any]:
        """One more step of a run that has had one."""
        self._ready()
        self._start("fp32", steps=1, anew=True)
        return self._start("fp32", steps=2, anew=False)

    def sampled(self, seconds: float) -> dict[str, Any]:
        """The generator loaded, 64 seeds again and again."""
        self._ready()
        question = {"what": "sampling", "run": str(self.run.root), "seconds": seconds}
        return ask("benchmarks.speed.product", question, threads=self.threads)

    def sample_command(self) -> dict[str, Any]:
        """The whole command, 64 files and a sheet."""
        self._ready()
        out = str(self.work / "samples")
        words = [sys.executable, "-m", "dcgan", "sample", str(self.run.root), "--seeds", "0-63", "--out", out]
        return _seconds_of(words, self.threads)

    def _ready(self) -> None:
        if not (self.cache.exists() and self.run.config.exists()):
            self._start("fp32", steps=1, anew=True)

    def _start(self, precision: str, *, steps: int, anew: bool) -> dict[str, Any]:
        if anew:
            shutil.rmtree(self.run.root, ignore_errors=True)
        words = command(
            CASE, self.pictures, self.run.root, precision=precision, threads=self.threads, images=steps * CASE.batch,
            **{"runs.journal_every_images": CASE.batch},
        )  # fmt: skip
        done, arrived = train(words, self.run, threads=self.threads, cache=self.cache)
        seconds = [entry["seconds"] for entry in journal.read(self.run.journal) if entry["event"] == "step"]
        until_done, first_step = arrived - done.started, seconds[-1] - (0 if anew else seconds[-2])
        return {
            "seconds": until_done - first_step,
            "first_step_seconds": first_step,
            "first_step_done_seconds": until_done,
            "whole_seconds": done.seconds,
        }


def _preparing(question: dict[str, Any], threads: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="dcgan-cache-") as cache:
        return ask("benchmarks.speed.product", {"what": "preparing", **question}, threads=threads, cache=Path(cache))


def _seconds_of(words: list[str], threads: int) -> dict[str, Any]:
    done = watch(words, threads=threads)
    if done.exit_code != 0:
        raise RuntimeError(f"{words} failed:\n{done.output}")
    return {"seconds": done.seconds, "memory_mb": round(done.memory_mb)}
