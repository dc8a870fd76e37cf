"""What a step will take is told beforehand: held against what it takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NARROW = {"model.generator_width": 32, "model.discriminator_width": 32}
SCRIPT = Path(__file__).parent / "step_memory.py"


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's peak of memory")
@pytest.mark.parametrize(
    "settings",
    [
        {"training.batch_size": 64},
        {"training.batch_size": 64, "model.discriminator_norm": False, "model.spectral_norm": True},
        {"training.batch_size": 64, "model.discriminator_norm": False, "training.real_penalty": 0.1},
        {"training.batch_size": 8, "model.discriminator_norm": False, "model.family": "residual"},
    ],
    ids=["2015", "spectral norm", "penalty", "residual"],
)
def test_a_step_takes_the_memory_that_was_told(settings: dict[str, object]) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(NARROW | settings)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    taken, told = json.loads(done.stdout)
    assert told == pytest.approx(taken, rel=0.25)
