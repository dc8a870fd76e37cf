"""Kill runs in every way and at every place; they must end as if nothing had happened, to the bit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fork_server import ForkServer
from kills import Whole, killed, never_killed


@pytest.fixture(scope="module")
def server(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(source, tmp_path_factory.mktemp("cache")) as server:
        yield server


@pytest.fixture(scope="module")
def whole(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return never_killed(server, tmp_path_factory.mktemp("whole"))


@pytest.mark.promise("A run killed at any moment and continued ends like one never killed, to the bit.")
@pytest.mark.parametrize("seed", range(6))
def test_killed_at_a_random_time(seed: int, server: ForkServer, whole: Whole, tmp_path: Path) -> None:
    assert killed(server, tmp_path, whole, seed=seed)["wrong"] == []


@pytest.mark.promise("A run killed at any call of a save, or in the middle of a write, loses one interval at most.")
@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 1.0])
def test_killed_at_a_call(share: float, server: ForkServer, whole: Whole, tmp_path: Path) -> None:
    done = killed(server, tmp_path, whole, seed=int(1000 * share), call=round(share * whole.calls))
    assert done["kills"] >= 1
    assert done["wrong"] == []
