"""The chapter itself, which is no part of this project, and a little data to run it on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from dcgan.data.sources.critters import draw


@pytest.fixture
def chapter(real_data: Path) -> Path:
    """The chapter's own text, which lies beside the real data, or a skip."""
    found = sorted((real_data.parent / "chapter").glob("000_*.txt"))
    if not found:
        pytest.skip("no chapter lies beside the folder that DCGAN_TEST_DATA names")
    return found[0]


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 creatures as PNG files in four folders."""
    root = tmp_path_factory.mktemp("classes")
    for index in range(20):
        path = root / f"{index % 4:04}" / f"{index:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw(index, 24, 24)).save(path)
    return root


@pytest.fixture(autouse=True)
def clean_slate() -> Iterator[None]:
    """No supplied modules, chosen folders or open figures are left to the next test."""
    import matplotlib.pyplot as plt

    from dcgan.textbook import hub
    from dcgan.textbook.supply import stop_supplying

    yield
    stop_supplying()
    hub.use_folder(None)
    hub.DATA_HUB.clear()
    plt.close("all")
    plt.rcdefaults()
