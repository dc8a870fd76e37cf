"""The suites of ``fuzz.py``, a small share of each: ``make torture`` runs the whole."""

import fcntl
import gc
import json
import mmap
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.machine import ROOT
from benchmarks.torture.fuzz import SUITES, total
from benchmarks.torture.judge import FAULTS, faults, judged

SHARE = 0.01


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """In a process of its own, where its memory can be measured; once, however many workers test at the same time."""
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "fuzz.json"
    words = [sys.executable, "-m", "benchmarks.torture.fuzz", "--share", str(SHARE), "--seed", "1", "--out", str(out)]
    with out.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists():
            subprocess.run(words, check=False, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True)
    content: dict[str, Any] = json.loads(out.read_bytes())
    return content["suites"]


PROMISES = {
    "images": "Of thousands of damaged and hostile image files, none crashes, hangs or exhausts the program.",
    "archives": "Of thousands of hostile zips, none crashes, hangs or exhausts the program or writes a file anywhere.",
    "arrays": "Of thousands of lying .npy, .npz, IDX, TIFF and tar files, none crashes, hangs or exhausts the program.",
    "checkpoints": "Of thousands of forged checkpoints, none crashes, hangs or exhausts the program.",
    "configs": "Of a thousand hostile config files, none crashes, hangs or exhausts the program.",
    "bit flips": "A single flipped bit anywhere in a checkpoint is found out, and the one before it is used.",
    "truncations": "A checkpoint that was cut off is found out, wherever it was cut.",
    "pickles": "No Python pickle is ever opened, in whatever file, archive or folder it comes.",
}


def share_of(name: str) -> int:
    return max(1, round(SHARE * SUITES[name][1]))


def test_every_suite_has_its_promise() -> None:
    assert PROMISES.keys() == SUITES.keys()


@pytest.mark.promise(PROMISES["images"])
def test_hostile_images_have_no_fault(results: dict[str, Any]) -> None:
    assert results["images"]["cases"] == share_of("images")
    assert faults(results["images"]) == {}


@pytest.mark.promise(PROMISES["archives"])
def test_hostile_archives_have_no_fault(results: dict[str, Any]) -> None:
    assert results["archives"]["cases"] == share_of("archives")
    assert faults(results["archives"]) == {}


@pytest.mark.promise(PROMISES["arrays"])
def test_hostile_arrays_have_no_fault(results: dict[str, Any]) -> None:
    assert results["arrays"]["cases"] == share_of("arrays")
    assert faults(results["arrays"]) == {}


@pytest.mark.promise(PROMISES["checkpoints"])
def test_hostile_checkpoints_have_no_fault(results: dict[str, Any]) -> None:
    assert results["checkpoints"]["cases"] == share_of("checkpoints")
    assert faults(results["checkpoints"]) == {}


@pytest.mark.promise(PROMISES["configs"])
def test_hostile_configs_have_no_fault(results: dict[str, Any]) -> None:
    assert results["configs"]["cases"] == share_of("configs")
    assert faults(results["configs"]) == {}


@pytest.mark.promise(PROMISES["bit flips"])
def test_hostile_bit_flips_have_no_fault(results: dict[str, Any]) -> None:
    assert results["bit flips"]["cases"] == share_of("bit flips")
    assert faults(results["bit flips"]) == {}


@pytest.mark.promise(PROMISES["truncations"])
def test_hostile_truncations_have_no_fault(results: dict[str, Any]) -> None:
    assert results["truncations"]["cases"] == share_of("truncations")
    assert faults(results["truncations"]) == {}


@pytest.mark.promise(PROMISES["pickles"])
def test_hostile_pickles_have_no_fault(results: dict[str, Any]) -> None:
    assert results["pickles"]["cases"] == share_of("pickles")
    assert faults(results["pickles"]) == {}


def test_what_was_judged_is_not_judged_again() -> None:
    seen: list[int] = []

    def case(_: random.Random, folder: Path) -> str:
        seen.append(1)
        return "refused"

    first = judged(case, 3, 0, {})
    again = judged(case, 5, 0, first)
    assert (len(seen), again["cases"], again["outcomes"]) == (5, 5, {"refused": 5})


def test_a_case_that_was_paused_is_not_taken_for_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.torture.judge.SECONDS", 0.05)

    def paused(_: random.Random, folder: Path) -> str:
        time.sleep(0.2)
        return "accepted"

    assert judged(paused, 1, 0, {})["hangs"] == []
    monkeypatch.setattr("benchmarks.torture.judge.WAITING", 2)
    assert judged(paused, 1, 0, {})["hangs"] == [0]


def test_the_judge_sees_every_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()  # what earlier tests left must not be freed while memory is measured
    monkeypatch.setattr("benchmarks.torture.judge.SECONDS", 0.2)
    monkeypatch.setattr("benchmarks.torture.judge.MEGABYTES", 30)

    def crash(_: random.Random, folder: Path) -> str:
        raise KeyError(folder)

    def hang(_: random.Random, folder: Path) -> str:
        while True:
            pass

    def swallow(_: random.Random, folder: Path) -> str:
        with mmap.mmap(-1, 60_000_000) as block:  # never memory that the process has freed and kept
            return str(sum(block.write(b"\1" * 1_000_000) for _ in range(60)))

    def escape(_: random.Random, folder: Path) -> str:
        (folder.parent / "canary" / "inside" / "song.txt").write_text("silence")
        return "done"

    def unpickle(_: random.Random, folder: Path) -> str:
        import pickle

        return str(pickle.loads(b"cos\ngetcwd\n)R."))

    found = {
        case.__name__: [fault for fault in FAULTS if judged(case, 1, 0, {})[fault]]
        for case in (crash, hang, swallow, escape, unpickle)
    }
    assert found == {
        "crash": ["tracebacks"],
        "hang": ["hangs"],
        "swallow": ["greedy"],
        "escape": ["outside"],
        "unpickle": ["forbidden"],
    }


def test_the_total_adds_up(results: dict[str, Any]) -> None:
    assert total(results)["cases"] == sum(share_of(name) for name in SUITES)
    assert all(total(results)[fault] == 0 for fault in FAULTS)
