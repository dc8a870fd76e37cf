"""One source and one untroubled run for all tests of this folder; no test changes either."""

from pathlib import Path

import pytest

from benchmarks.torture.tiny_runs import finish, write_source
from dcgan.runs.folder import RunFolder


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("crash") / "creatures.npy")


@pytest.fixture(scope="session")
def untroubled(source: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("untroubled")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCGAN_CACHE", str(folder / "cache"))
        return finish(source, folder / "run")
