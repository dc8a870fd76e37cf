"""`make torture` in small: two stages side by side, one writer; what is done is not done again, what is not goes on."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.torture import run as torture
from benchmarks.torture import stages as torture_stages

STAGES = ("refused calls", "stops at every step")


def rehearse(out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    words = ["run.py", "--jobs", "2", "--share", "0.02", "--out", str(out), *STAGES]
    monkeypatch.setattr(sys, "argv", words)
    assert torture.main() == 0
    told: dict[str, Any] = json.loads(out.read_text())
    return told


def test_two_stages_write_one_file_and_are_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = rehearse(tmp_path / "torture.json", monkeypatch)
    assert told["stages"].keys() == set(STAGES)
    assert all(report["done"] and report["wrong"] == [] for report in told["stages"].values())
    assert told["stages"]["refused calls"]["trials"] >= 14
    assert told["stages"]["stops at every step"]["runs"] == 1
    assert rehearse(tmp_path / "torture.json", monkeypatch) == told


def test_a_stage_that_was_interrupted_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []

    def stage(work: torture_stages.Work) -> None:
        while work.report.get("runs", 0) < work.of(10):
            work.count({"seed": work.report.get("runs", 0), "wrong": []}, kills=2)

    monkeypatch.setitem(torture.STAGES, "stage", stage)
    monkeypatch.setenv("DCGAN_CACHE", "")  # which the stage sets, put back after this test
    before = {"wrong": ["seed 3: lost"], "stage_seconds": 100.0, "runs": 7, "kills": 14}
    connection: Any = SimpleNamespace(send=lambda report: sent.append(dict(report)))
    torture.work_on("stage", before, connection, 1.0)
    assert [report["runs"] for report in sent] == [8, 9, 10, 10]
    assert sent[-1]["kills"] == 20
    assert sent[-1]["wrong"] == ["seed 3: lost"]
    assert sent[-1]["stage_seconds"] >= 100
    assert sent[-1]["done"]


def test_what_needs_all_processors_runs_alone() -> None:
    def has_room(name: str, *running: str) -> bool:
        queue = torture.Queue({}, Path("unused"), 1.0)
        queue._running = {number: (other, None) for number, other in enumerate(running)}  # type: ignore[assignment]
        return queue._has_room(name, 2)

    assert has_room("mutations") and has_room("mutations", "hostile input")
    assert not has_room("mutations", "hostile input", "random kills")
    assert has_room("cost of saving") and not has_room("cost of saving", "mutations")
    assert not has_room("mutations", "cost of saving")
    assert set(torture.ALONE) <= set(torture.STAGES)


def test_the_whole_is_what_was_asked_for() -> None:
    stages = torture_stages
    assert stages.RANDOM_KILLS + stages.CALL_KILLS + stages.PROCESS_KILLS == 1_000
    assert (stages.PROCESS_KILLS, stages.TERMINATIONS, stages.STATES) == (30, 20, 5_000)
    assert len(stages.MUTATIONS) >= 20
