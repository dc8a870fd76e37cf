"""Shares of a busy machine, and the processes that make it busy."""

import subprocess

import pytest

from benchmarks.speed import busy


def test_the_fair_share_is_by_processors_and_processes() -> None:
    idle = {"dcgan": 400.0, "chapter": 100.0}
    results = {
        "beside 0": {"median": idle},
        "beside 2": {"median": {"dcgan": 200.0, "chapter": 10.0}},
        "beside 4": {"median": {"dcgan": 100.0, "chapter": 20.0}},
    }
    first, second, third = busy.summary(results, threads=2)
    assert "dcgan 400.0/s (4.0 times the chapter's loop, 1.00 of the fair share)" in first
    assert "dcgan 200.0/s (20.0 times the chapter's loop, 1.00 of the fair share)" in second, "half of idle"
    assert "dcgan 100.0/s (5.0 times the chapter's loop, 0.75 of the fair share)" in third, "a third of idle"


def test_busy_processes_end_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    make = subprocess.Popen

    def remember(*words: object, **more: object) -> subprocess.Popen[bytes]:
        started.append(make(*words, **more))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(busy.subprocess, "Popen", remember)
    with pytest.raises(RuntimeError), busy.busy(2):
        assert [process.poll() for process in started] == [None, None]
        raise RuntimeError
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)
