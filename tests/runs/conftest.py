"""One source for all tests of this folder."""

from pathlib import Path

import pytest

from benchmarks.torture.tiny_runs import write_source


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("runs") / "creatures.npy")
