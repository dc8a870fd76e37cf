"""What every test gets: a cache of its own, one thread, and little data to train on."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from patience import ending_processes

# Two processes test side by side on two cores. The variable reaches subprocesses too.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, not whether the program is right.
hypothesis.settings.register_profile("dcgan", deadline=None)
hypothesis.settings.load_profile("dcgan")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails leaves no process behind, which would starve the tests after it."""
    with ending_processes():
        yield


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
