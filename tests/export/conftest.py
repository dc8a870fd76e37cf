"""A run that was trained for a moment, for tests that need a run folder."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def run(critters_npy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of 16 x 16 images."""
    import dcgan

    folder = tmp_path_factory.mktemp("runs") / "demo"
    settings = {"training.batch_size": 8, "runs.preview_rows": 2}
    for _ in dcgan.train(
        critters_npy, size=16, width=4, threads=1, precision="fp32", budget="16", out=folder, settings=settings
    ):
        pass
    return folder
