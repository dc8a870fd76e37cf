"""The Dockerfile: hadolint reads it where that is installed, and its lines keep what the documentation says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent.parent / "Dockerfile"
LINES = FILE.read_text().replace("\\\n", " ").splitlines()


def values(instruction: str) -> list[str]:
    """What the lines with this instruction say."""
    return [line.split(None, 1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed")
    ran = subprocess.run([program, str(FILE)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_the_service_is_not_root_and_its_run_comes_from_outside() -> None:
    (user,) = values("USER")
    assert user.isdigit() and int(user) > 0
    assert values("VOLUME") == ['["/run/dcgan"]']
    assert '"/run/dcgan"' in values("CMD")[-1]


def test_the_service_is_installed_from_the_wheel_at_the_versions_that_were_tested() -> None:
    installs = [part for line in values("RUN") for part in line.split("&&") if "pip install" in part]
    assert any("*.whl)[serve]" in part for part in installs)
    assert all("-c /tmp/constraints.txt" in part or "build==" in part for part in installs)


def test_the_health_check_asks_a_path_that_needs_no_token() -> None:
    from dcgan.interfaces.service_guard import OPEN_PATHS

    (check,) = values("HEALTHCHECK")
    (path,) = re.findall(r"8000(/\w+)'", check)
    assert path in OPEN_PATHS


def test_a_stop_reaches_the_service_itself() -> None:
    assert values("ENTRYPOINT") == ['["dcgan", "serve"]']  # no shell between them
    assert values("STOPSIGNAL") == ["SIGTERM"]
