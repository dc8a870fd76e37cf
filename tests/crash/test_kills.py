"""Kill runs in every way and at every place; they must end as if nothing had happened, to the bit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.torture.fork_server import ForkServer
from benchmarks.torture.kills import KILLED, Whole, killed, never_killed, stopped
from benchmarks.torture.tiny_runs import differences


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


@pytest.mark.promise("A run that is killed while it starts to go on is as it was.")
def test_killed_before_its_first_step(server: ForkServer, whole: Whole, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert server.ask("run", run, stop_after=12)["exit_code"] == 0
    before = {path.name: path.read_bytes() for path in (run / "checkpoints").iterdir()}
    for call in range(1, 20, 2):
        done = server.ask("run", run, kill_call=call, half=call % 4 == 1)
        assert (done["exit_code"], done["images_seen"]) == (KILLED, 0)
        assert {path.name: path.read_bytes() for path in (run / "checkpoints").iterdir()} == before
    assert server.ask("run", run)["exit_code"] == 0
    assert differences(whole.fingerprint, server.ask("fingerprint", run, whole=True)["fingerprint"]) == []


def test_stopped_after_any_step(server: ForkServer, whole: Whole, tmp_path: Path) -> None:
    """``make torture`` tries all of them."""
    assert stopped(server, tmp_path, whole, step=23)["wrong"] == []
