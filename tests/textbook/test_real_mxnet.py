"""The real MXNet 1.9.1, in an environment of its own, still gives the numbers that ours is held to: ``make gluon``."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from test_gluon import GOLDEN, largest_difference

HERE = Path(__file__).parent


@pytest.fixture
def mxnet() -> str:
    """The Python that has MXNet, or a skip."""
    python = os.environ.get("DCGAN_MXNET")
    if not python or not Path(python).exists():
        pytest.skip("DCGAN_MXNET names no Python that has MXNet 1.9.1 (make gluon builds one)")
    return str(Path(python).absolute())


def test_the_committed_numbers_are_those_of_the_real_mxnet(mxnet: str, tmp_path: Path) -> None:
    written = tmp_path / "numbers.json"
    subprocess.run([mxnet, str(HERE / "gluon_golden.py"), str(written)], check=True, capture_output=True, cwd=HERE)
    real = json.loads(written.read_text())
    assert real.keys() == GOLDEN.keys()
    differences = {name: largest_difference(real, GOLDEN, name) for name in GOLDEN}
    assert {name: off for name, off in differences.items() if off > 1e-12} == {}
