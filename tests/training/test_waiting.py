"""Threads sleep instead of spinning while others want the processors; results stay the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from dcgan.training import waiting
from dcgan.training.waiting import BUSY, IDLE, Waiting


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked for a way of waiting."""
    for name in waiting.DECIDED_BY_USER:
        monkeypatch.delenv(name, raising=False)


def needs_libgomp() -> None:
    if waiting._libgomp() is None:
        pytest.skip("this PyTorch's threads are not libgomp's")


@pytest.mark.usefixtures("free")
def test_threads_sleep_while_the_machine_is_busy_and_spin_again_when_it_is_idle() -> None:
    needs_libgomp()
    ways = Waiting(threads=2)
    told = []
    for share in (0.0, BUSY / 2, 2 * BUSY, 2 * BUSY, (BUSY + IDLE) / 2, IDLE / 2, 0.0, 2 * BUSY):
        told.append((ways.decide(share), ways.is_patient))
    ways.close()
    assert told == [
        (False, False), (False, False), (True, True), (False, True), (False, True), (False, False), (False, False),
        (True, True),
    ]  # fmt: skip
    assert not ways.is_patient


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize(("life", "is_patient"), [((9.0, 3.0), True), ((9.0, 0.1), False), ((1.0, 0.0), False)])
def test_a_process_that_was_kept_waiting_so_far_begins_patiently(
    life: tuple[float, float], is_patient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_libgomp()
    monkeypatch.setattr(waiting, "_life", lambda: life)
    with Waiting(threads=2) as ways:
        assert ways.is_patient == is_patient
    assert not ways.is_patient


@pytest.mark.usefixtures("free")
def test_one_thread_waits_for_nobody() -> None:
    ways = Waiting(threads=1)
    assert not ways.decide(1.0)
    assert not ways.is_patient


def test_who_has_chosen_a_way_of_waiting_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    ways = Waiting(threads=2)
    assert not ways.decide(1.0)
    assert not ways.is_patient


@pytest.mark.usefixtures("free")
def test_it_looks_only_now_and_then_and_by_the_thread_that_was_worst_off(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_libgomp()
    clock, delays = [100.0], {"1": 0.0, "2": 0.0}
    monkeypatch.setattr(waiting.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(waiting, "_delays", lambda: dict(delays))
    ways = Waiting(threads=2)
    delays["2"], clock[0] = 1.0, 101.0
    assert not ways.look(), "it has looked a second ago"
    clock[0] = 104.0
    assert ways.look(), "one of them was kept waiting for a quarter of four seconds"
    clock[0], delays["3"] = 107.0, 99.0
    assert not ways.look(), "a thread that is new says nothing yet"
    assert not ways.is_patient, "and nobody else was kept waiting"
    ways.close()


def test_a_system_that_does_not_say_who_waits_leaves_the_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TASKS", Path("/nowhere"))
    assert waiting._delays() == {}


@pytest.mark.promise("How threads wait for each other, which changes while a machine is busy, does not change a bit.")
def test_however_threads_wait_the_results_are_the_same() -> None:
    needs_libgomp()
    program = (
        "import torch; from dcgan.training.waiting import Waiting; torch.set_num_threads(2);"
        "x = torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(0));"
        "net = torch.nn.Conv2d(3, 32, 4, 2, 1); torch.nn.init.constant_(net.weight, 0.1);"
        "one = [(net(x) @ torch.ones(16, 300)).sum().item() for _ in range(3)];"
        "ways = Waiting(2); ways.decide(1.0); assert ways.is_patient;"
        "other = [(net(x) @ torch.ones(16, 300)).sum().item() for _ in range(3)];"
        "ways.close(); third = (net(x) @ torch.ones(16, 300)).sum().item();"
        "print({*one, *other, third} == {one[0]}, torch.get_num_threads())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("True 2", "")
