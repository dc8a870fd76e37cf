"""The real thing: ``dcgan train`` with two threads, killed and told to stop from outside."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.torture.tiny_runs import differences, fingerprint, write_source
from dcgan.runs import checkpoint, journal, shelf
from dcgan.runs.folder import RunFolder

INTERVAL = 640
WORDS = [
    "--size", "32", "--width", "16", "--threads", "2", "--precision", "fp32", "--device", "cpu", "--budget", "4800",
    "--set", "training.batch_size=32", "--set", f"runs.save_every_images={INTERVAL}",
    "--set", "runs.journal_every_images=320", "--set", "runs.preview_rows=2",
]  # fmt: skip
MOST_KILLS = 5  # of one run
EARLY = 0.2  # share of the strikes that may come before the run is opened
STARTING = 60  # seconds, most that a start may take


@dataclass(frozen=True)
class Strike:
    """How a process ended that was sent a signal."""

    exit_code: int
    words: str
    seconds: float
    """From the signal to the end."""


@dataclass(frozen=True)
class Whole:
    """The run that nobody stopped."""

    fingerprint: dict[str, Any]
    seconds: float
    """From the opening of the run to the end."""


class Trainer:
    """``dcgan train`` on one source into one folder."""

    def __init__(self, source: Path, out: Path) -> None:
        self.source, self.run = source, RunFolder(out)

    def start(self) -> subprocess.Popen[str]:
        """A new process; its words go into a pipe. Its threads wait for each other asleep: others may work here too."""
        environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        environment |= {"DCGAN_CACHE": str(self.source.parent / "cache"), "OMP_WAIT_POLICY": "PASSIVE"}
        words = [sys.executable, "-m", "dcgan", "train", str(self.source), *WORDS, "--out", str(self.run.root)]
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )  # fmt: skip

    def finish(self) -> tuple[int, str, float]:
        """Train to the end: exit code, words, and seconds since the run was opened."""
        with self.start() as process:
            self._wait_until_open(process)
            opened = time.monotonic()
            words, _ = process.communicate(timeout=600)
        return process.returncode, words, time.monotonic() - opened

    def strike(self, number: int, random_: random.Random, seconds: float) -> Strike:
        """Send a signal at a random time: mostly while the run is open, which it is for so many seconds."""
        with self.start() as process:
            if random_.random() >= EARLY:
                self._wait_until_open(process)
            time.sleep(random_.uniform(0, seconds))
            process.send_signal(number)
            struck = time.monotonic()
            words, _ = process.communicate(timeout=600)
        return Strike(process.returncode, words, time.monotonic() - struck)

    def _wait_until_open(self, process: subprocess.Popen[str]) -> None:
        """Until the lock of the run names the process."""
        deadline = time.monotonic() + STARTING
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if json.loads(self.run.lock.read_bytes())["pid"] == process.pid:
                    return
            except (OSError, ValueError):
                pass
            time.sleep(0.01)

    def losses(self, number: int, strike: Strike) -> list[str]:
        """What is gone that must not be: more than an interval after a kill, anything after a stop."""
        saved = [(path, checkpoint.read(path)) for path in shelf.paths(self.run)]
        wrong = [f"damaged: {path.name}" for path, found in saved if found is None]
        safe = max((found.facts["images_seen"] for _, found in saved if found is not None), default=0)
        seen = max((entry["images_seen"] for entry in journal.read(self.run.journal)), default=0)
        if seen - safe > INTERVAL:
            wrong.append(f"lost {seen - safe} images after {seen}")
        if strike.exit_code == 143 and (safe != seen or f"Stopped and saved at image {safe:,}" not in strike.words):
            wrong.append(f"stopped at image {seen}, {safe} is saved, and said: {strike.words[-300:]}")
        return wrong


def whole(folder: Path) -> Whole:
    """Train it, once its images are prepared."""
    source = write_source(folder / "creatures.npy")
    Trainer(source, folder / "first").finish()
    code, words, seconds = Trainer(source, folder / "whole").finish()
    assert code == 0, words
    return Whole(fingerprint(RunFolder(folder / "whole")), seconds)


def struck(folder: Path, number: int, whole: Whole, *, seed: int) -> dict[str, Any]:
    """One run, killed or told to stop one to ``MOST_KILLS`` times, then trained to its end and compared."""
    random_ = random.Random(seed)
    trainer = Trainer(folder / "creatures.npy", folder / f"struck-{number}-{seed}")
    wrong: list[str] = []
    answers: list[float] = []
    strikes = 0
    for _ in range(random_.randint(1, MOST_KILLS)):
        strike = trainer.strike(number, random_, whole.seconds)
        if strike.exit_code == 0:
            break
        strikes += 1
        answers += [strike.seconds] if strike.exit_code == 143 else []
        wrong += trainer.losses(number, strike)
        if "Traceback" in strike.words:
            wrong.append(strike.words[-500:])
        # Before it listens the default holds: it ends at once.
        if strike.exit_code not in ((143, -signal.SIGTERM) if number == signal.SIGTERM else (-number,)):
            wrong.append(f"exit code {strike.exit_code}")
    code, words, _ = trainer.finish()
    wrong += [f"exit code {code}: {words[-300:]}"] if code else differences(whole.fingerprint, fingerprint(trainer.run))
    if not wrong:
        shutil.rmtree(trainer.run.root)
    return {"seed": seed, "kills": strikes, "answers": answers, "wrong": wrong}
