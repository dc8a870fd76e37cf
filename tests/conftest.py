"""What every test gets: a cache of its own, one thread, and little data to train on."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from patience import ending_processes
from quick_program import quick_program

# Two processes test side by side on two cores. The variable reaches subprocesses too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, not whether the program is right.
hypothesis.settings.register_profile("dcgan", deadline=None)
hypothesis.settings.load_profile("dcgan")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flush takes milliseconds, a run makes dozens, and no test loses its power; processes of their own do flush."""
    monkeypatch.setattr(os, "fsync", os.fstat)


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails leaves no process behind, which would starve the tests after it."""
    with ending_processes():
        yield


@pytest.fixture(scope="session")
def program() -> Iterator[Path]:
    """``dcgan`` as an executable that starts at once (see ``forked.py``): for tests of what a command does."""
    with quick_program() as path:
        yield path


@pytest.fixture
def quick_trials(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparisons train and measure by that executable."""
    from dcgan.commands.comparing import trials

    def quickly(command: Callable[..., list[str]], *of_what: Any) -> list[str]:
        words = command(*of_what)
        assert words[:3] == [sys.executable, "-m", "dcgan"]
        return [str(program), *words[3:]]

    for name in ("training_command", "measuring_command"):
        monkeypatch.setattr(trials, name, partial(quickly, getattr(trials, name)))


@pytest.fixture(scope="session")
def critters_npy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 creatures of 16 x 16, on black, as an array file: a source that is prepared in no time."""
    from dcgan.data.sources.critters import draw

    path = tmp_path_factory.mktemp("data") / "creatures.npy"
    np.save(path, np.stack([draw(index, 16, 16)[..., :3] for index in range(100)]))
    return path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets that ``DCGAN_TEST_DATA`` names, or a skip."""
    folder = os.environ.get("DCGAN_TEST_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("DCGAN_TEST_DATA names no folder of real data sets")
    return Path(folder)
