"""Several processes train one run: the same bits as one, whoever is killed, and all of them leave together."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from patience import patient

from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder

FORKED = Path(__file__).parent / "forked_team.py"
SMALL = [
    "--size", "16", "--width", "4", "--precision", "fp32", "--threads", "1", "--shards", "4", "--budget", "160",
    "--set", "training.batch_size=16", "--set", "runs.evaluations=0", "--set", "runs.save_every_images=16",
    "--set", "runs.journal_every_images=32", "--set", "model.discriminator_norm=false", "--set", "training.flip=on",
    "--set", "training.objective=relativistic", "--set", "training.real_penalty=1", "--set", "training.fake_penalty=1",
    "--set", "training.augmentation=translation", "--set", "training.augmentation_schedule=adaptive",
    "--set", "training.augmentation_every_images=64", "--set", "training.average_half_life=100",
]  # fmt: skip
Launch = dict[str, Any]
Trained = Callable[..., list[Launch]]


@pytest.fixture
def trained(critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Starts runs in ``tmp_path`` one after the other: (name, size, more of the launch) → codes and words."""
    monkeypatch.setenv("DCGAN_SILENCE_SECONDS", "20")

    def train(*launches: tuple[str, int, Launch]) -> list[Launch]:
        words = ["train", str(critters_npy), *SMALL, "--out"]
        plan = [{"size": size, "words": [*words, str(tmp_path / name)], **more} for name, size, more in launches]
        done = subprocess.run(
            [sys.executable, str(FORKED), json.dumps(plan)],
            capture_output=True,
            text=True,
            check=False,
            timeout=patient(200),
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return train


def at(rank: int | None, images: int, do: str) -> Launch:
    return {"at": {"rank": rank, "images": images, "do": do}}


def tensors(folder: Path) -> dict[str, np.ndarray]:
    found = checkpoint.newest(RunFolder(folder))
    assert found is not None and found.facts["images_seen"] == 160
    return {name: tensor.numpy() for name, tensor in found.tensors.items()}


def different(one: Path, other: Path) -> list[str]:
    ours, theirs = tensors(one), tensors(other)
    assert ours.keys() == theirs.keys()
    return [name for name, array in ours.items() if array.tobytes() != theirs[name].tobytes()]


@pytest.mark.promise("One, two or four processes, killed and continued on another number: the same weights to the bit.")
def test_any_number_of_processes_trains_the_same_bits_through_kills_and_changes_of_their_number(
    trained: Trained, tmp_path: Path
) -> None:
    one, four, killed, led, last = trained(
        ("one", 1, {}),
        ("four", 4, {}),
        ("mixed", 4, at(3, 48, "kill")),
        ("mixed", 2, at(0, 96, "kill")),
        ("mixed", 1, {}),
    )
    assert set(one["codes"].values()) == set(four["codes"].values()) == set(last["codes"].values()) == {0}
    assert killed["codes"] == {"0": 16, "1": 16, "2": 16, "3": -9}
    assert "process 3 of 4 gone. The same command goes on from the last checkpoint." in killed["said"][0]
    assert led["codes"] == {"0": -9, "1": 16}
    assert "process 0 of 2 gone." in led["said"][1]
    assert different(tmp_path / "one", tmp_path / "four") == []
    assert different(tmp_path / "one", tmp_path / "mixed") == []


def test_all_stop_at_the_same_step_when_one_of_them_is_asked_to_and_roll_back_together(
    trained: Trained, tmp_path: Path
) -> None:
    alone, together, stopped, on = trained(
        ("alone", 1, at(None, 96, "NaN")),
        ("together", 2, at(None, 96, "NaN")),
        ("stopped", 2, at(1, 80, "terminate")),
        ("stopped", 2, {}),
    )
    assert [set(launch["codes"].values()) for launch in (alone, together, stopped, on)] == [{0}, {0}, {143}, {0}]
    assert "Rolled back to image" in together["said"][0]
    assert "Stopped and saved at image 80." in stopped["said"][0]
    assert together["said"][1] == stopped["said"][1] == "", "one of them speaks"
    assert different(tmp_path / "alone", tmp_path / "together") == []


def test_a_process_that_is_absent_or_not_the_same_is_named_before_the_first_step(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"also": {"1": ["--set", "training.beta2=0.99"]}}
    unlike, spare = trained(("unlike", 2, other), ("spare", 3, {}))
    assert set(unlike["codes"].values()) == {2}
    assert (
        "Process 1 of 2 is not as process 0" in unlike["said"][0]
        and "training.beta2 is 0.99, not None" in unlike["said"][0]
    )
    assert not (tmp_path / "unlike").exists()
    assert set(spare["codes"].values()) == {0}
    assert "2 of 3 processes compute, the others wait" in spare["said"][0]
    monkeypatch.setenv("DCGAN_SILENCE_SECONDS", "1")
    (absent,) = trained(("absent", 2, {"absent": [1]}))
    assert absent["codes"] == {"0": 2}
    assert "Process 1 of 2 did not come within 4 s" in absent["said"][0]


@pytest.mark.long
def test_nobody_waits_for_a_frozen_process(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCGAN_SILENCE_SECONDS", "4")
    follower, leader = trained(("follower", 2, at(1, 96, "freeze")), ("leader", 2, at(0, 96, "freeze")))
    assert follower["codes"] == {"0": 16, "1": -9}
    assert "process 1 of 2 silent for 4 s" in follower["said"][0]
    assert leader["codes"] == {"0": -9, "1": 16}
    assert "process 0 of 2 silent for 4 s" in leader["said"][1]
