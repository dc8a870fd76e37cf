"""The real thing: ``dcgan train`` with two threads, killed and told to stop from outside."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tiny_runs import differences, fingerprint

from dcgan.runs import checkpoint, shelf
from dcgan.runs.folder import RunFolder

INTERVAL = 640
WORDS = [
    "--size", "32", "--width", "16", "--threads", "2", "--precision", "fp32", "--device", "cpu", "--budget", "4800",
    "--limit", "256", "--set", "training.batch_size=32", "--set", f"runs.save_every_images={INTERVAL}",
    "--set", "runs.journal_every_images=320", "--set", "runs.preview_rows=2",
]  # fmt: skip
MOST_KILLS = 5  # of one run


class Trainer:
    """``dcgan train critters`` into one folder."""

    def __init__(self, out: Path, cache: Path) -> None:
        self.out, self.cache = out, cache

    def start(self) -> subprocess.Popen[str]:
        """A new process; its words go into a pipe."""
        environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        words = [sys.executable, "-m", "dcgan", "train", "critters", *WORDS, "--out", str(self.out)]
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=environment | {"DCGAN_CACHE": str(self.cache)},
        )  # fmt: skip

    def finish(self) -> tuple[int, str]:
        """Train to the end: exit code and words."""
        with self.start() as process:
            words, _ = process.communicate(timeout=600)
        return process.returncode, words

    def strike(self, number: int, random_: random.Random, seconds: float) -> tuple[int, str]:
        """Send a signal at a random time after the first step of this sitting can have begun."""
        with self.start() as process:
            time.sleep(random_.uniform(0, seconds))
            process.send_signal(number)
            words, _ = process.communicate(timeout=600)
        return process.returncode, words


def whole(folder: Path) -> tuple[dict[str, Any], float]:
    """The fingerprint of a run that nobody stopped, and its seconds."""
    Trainer(folder / "first", folder / "cache").finish()  # prepares the images
    started = time.monotonic()
    code, words = Trainer(folder / "whole", folder / "cache").finish()
    assert code == 0, words
    return fingerprint(RunFolder(folder / "whole")), time.monotonic() - started


def struck(folder: Path, number: int, expected: dict[str, Any], seconds: float, *, seed: int) -> dict[str, Any]:
    """One run, killed or told to stop one to ``MOST_KILLS`` times, then trained to its end and compared."""
    random_ = random.Random(seed)
    trainer, wrong, strikes, answered = Trainer(folder / f"struck-{number}-{seed}", folder / "cache"), [], 0, 0
    for _ in range(random_.randint(1, MOST_KILLS)):
        code, words = trainer.strike(number, random_, seconds)
        if code == 0:
            break
        strikes += 1
        answered += code == 143
        run = RunFolder(trainer.out)
        wrong += [f"damaged: {path.name}" for path in shelf.paths(run) if checkpoint.read(path) is None]
        if "Traceback" in words:
            wrong.append(words[-500:])
        if number == signal.SIGTERM and code not in (143, -signal.SIGTERM):  # before it listens, the default holds
            wrong.append(f"exit code {code}")
    code, words = trainer.finish()
    wrong += (
        [f"exit code {code}: {words[-300:]}"] if code else differences(expected, fingerprint(RunFolder(trainer.out)))
    )
    if not wrong:
        shutil.rmtree(trainer.out)
    return {"seed": seed, "kills": strikes, "answered": answered, "wrong": wrong}
