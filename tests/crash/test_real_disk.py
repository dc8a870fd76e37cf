"""The disk of the operating system itself: full, limited, and asked by strace to refuse."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.machine import ROOT
from benchmarks.torture.tiny_runs import SETTINGS
from dcgan.errors import ExitCode
from dcgan.interfaces.cli import main


def can(*words: str) -> bool:
    return (
        shutil.which(words[0]) is not None and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not can("unshare", "-Urm", "true"), reason="needs user namespaces (unshare -Urm)")
def test_a_full_disk_with_room_again_has_changed_nothing(source: Path, tmp_path: Path) -> None:
    words = ["unshare", "-Urm", sys.executable, "-m", "benchmarks.torture.full_disk", str(source), str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    missing = "Disk full (No space left on device): checkpoint at image 160 NOT saved; the one at image 80 is safe."
    assert any(text.startswith(missing) for text in told["said"]), told["said"]
    assert told["safe"] == 80
    assert told["equal"]


@pytest.mark.promise(
    "A run that the system allows no file as large as a checkpoint says so and ends with exit code 12."
)
def test_a_limit_on_the_size_of_files_is_told(source: Path, tmp_path: Path) -> None:
    settings = SETTINGS | {"runs.retry_seconds": 0, "runs.save_every_images": 8}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    words += ["--size", "16", "--threads", "1", "--budget", "64", "--out", str(tmp_path / "run")]
    words = ["train", str(source), *words]
    assert main([*words, "--dry-run"]) == 0  # prepares the images
    limit = 40_000  # bytes: less than a checkpoint, more than anything else
    done = subprocess.run(
        [sys.executable, "-m", "dcgan", *words], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == ExitCode.DISK, done.stderr
    assert "File too large: checkpoint at image 8 NOT saved; nothing of this run is saved yet." in done.stderr
    assert "That was try 3 of 3: training stops." in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


@pytest.mark.skipif(not can("strace", "-qq", "true"), reason="needs strace that may attach")
def test_a_system_call_that_is_refused_is_not_called_saved(tmp_path: Path) -> None:
    """A spread of all calls and errors; ``make torture`` tries all with all."""
    words = [sys.executable, "-m", "benchmarks.torture.strace_trials", str(tmp_path), "25"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["wrong"] == []
    assert told["calls_of_a_save"] > 60
    assert told["refused"] == told["trials"] >= 25
    assert 0 < told["saved"] < told["trials"]
