"""What every test gets: a cache of its own, one thread, and little data to train on."""

import os
from pathlib import Path

import numpy as np
import pytest

# Two processes test side by side on two cores. The variable reaches subprocesses too.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path_factory.mktemp("cache")))


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
