"""``dcgan train`` in many processes, from one checkpoint or from the beginning: where do they end?

Each process finds its memory elsewhere: another address space, another hash seed, an environment of another size,
and fresh memory filled with another byte, so that a number read from where nothing was written is another number.
"""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.torture.tiny_runs import differences, fingerprint, write_source
from dcgan.runs import shelf
from dcgan.runs.folder import RunFolder

STOP, END = 160, 256  # images
# Without the film and the curves, of which the command line would make new ones each time.
PROGRAM = """
import sys
from dcgan.commands import train
train.conclude = lambda training: iter(())
from dcgan.interfaces.cli import main
sys.exit(main())
"""
SETTINGS = (
    f"runs.save_every_images={STOP}", "runs.keep=9", "runs.evaluations=0", "runs.preview_rows=2",
    "training.anchor_every_images=100000", "runs.save_every_seconds=1000000",
)  # fmt: skip


class Command:
    """One command, which is given again and again."""

    def __init__(self, folder: Path, *, threads: int, precision: str, batch: int = 32) -> None:
        self.folder, self.source = folder, write_source(folder / "creatures.npy")
        words = [
            "train", str(self.source), "--size", "16", "--seed", "3", "--budget", str(END), "--device", "cpu",
            "--threads", str(threads), "--precision", precision,
        ]  # fmt: skip
        self.words = [*words, *(word for setting in SETTINGS for word in ("--set", setting))]
        self.words += ["--set", f"training.batch_size={batch}"]

    def run(self, out: Path, number: int) -> dict[str, Any]:
        """Give it to a process of its own: what must be equal, or ``exit`` with its last words."""
        environment = self.environment(number)
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, *self.words, "--out", str(out)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ran.returncode:
            return {"exit": f"{ran.returncode}: {ran.stderr[-300:]}"}
        return fingerprint(RunFolder(out))

    def environment(self, number: int) -> dict[str, str]:
        """One that places memory by the number: of the process's, none is left that asks for threads."""
        some = random.Random(number)
        return {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | {
            "DCGAN_CACHE": str(self.folder / "cache"),
            "MALLOC_PERTURB_": str(some.randrange(1, 256)),
            "PYTHONHASHSEED": str(some.randrange(2**32)),
            "PADDING": "x" * some.randrange(10_000),
        }

    def stopped(self) -> Path:
        """A run that has come to ``STOP``, and what the one that was not stopped ended in: ``whole``."""
        root = self.folder / "stopped"
        self.whole = self.run(root, 0)
        for path in shelf.paths(RunFolder(root)):
            if str(STOP) not in path.name:
                path.unlink()
        return root

    def continued(self, stopped: Path, number: int) -> list[str]:
        """In what a copy differs that goes on from there, from the run that was not stopped."""
        out = self.folder / f"continued-{number}"
        shutil.copytree(stopped, out)
        found = differences(self.whole, self.run(out, number))
        shutil.rmtree(out)
        return found

    def started(self, number: int) -> list[str]:
        """In what a run that starts anew differs from the first one."""
        out = self.folder / f"started-{number}"
        found = differences(self.whole, self.run(out, number))
        shutil.rmtree(out)
        return found


def trial(command: Command, stopped: Path, number: int) -> dict[str, Any]:
    """Every second one starts anew, the others go on from the checkpoint."""
    kind = "started" if number % 2 else "continued"
    found = command.started(number) if number % 2 else command.continued(stopped, number)
    return {"seed": number, kind: 1, "wrong": [f"{kind}: {', '.join(found[:3])}"] if found else []}
