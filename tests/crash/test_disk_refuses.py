"""A disk that is full, broken or read-only at a save: what is said is what is on disk."""

import errno
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.torture.faulty_disk import Call, Disk
from benchmarks.torture.tiny_runs import Ears, differences, fingerprint, finish, train
from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint, journal
from dcgan.runs.folder import RunFolder

ERRNOS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EFBIG, errno.ENOMEM]


def full(*folders: str, times: int = 10**9) -> object:
    """Every write beneath one of the folders fails so many times: the disk is full."""
    left = times

    def fault(_: int, call: Call) -> None:
        nonlocal left
        if call.name == "write" and call.path.startswith(folders) and left:
            left -= 1
            raise OSError(errno.ENOSPC, "No space left on device")

    return fault


@pytest.mark.promise("A full disk at a save: training goes on, says what is and is not safe, and saves when it can.")
def test_a_full_disk_is_told_and_tried_again(source: Path, untroubled: RunFolder, tmp_path: Path) -> None:
    ears, run = Ears(), RunFolder(tmp_path / "run")
    steps = train(source, run.root, ears=ears, runs__retry_seconds=0)
    list(islice(steps, 15))
    with Disk(run.root, full("checkpoints", times=2)):
        list(islice(steps, 10))
        assert checkpoint.newest(run).facts["images_seen"] == 176
    list(steps)
    missing = [text for text in ears.said if "NOT saved" in text]
    assert missing == [
        f"Disk full (No space left on device): checkpoint at image {at} NOT saved; the one at image 80 is safe. "
        "Training goes on, next try in 0 s."
        for at in (160, 168)
    ]
    assert "Checkpoint at image 176 saved: the disk is there again." in ears.said
    assert without_times_of_saving(differences(fingerprint(untroubled), fingerprint(run))) == []


def without_times_of_saving(found: list[str]) -> list[str]:
    return [part for part in found if part != "facts.config"]  # retry_seconds


@pytest.mark.promise(
    "A disk that stays full ends the run with exit code 12 after three tries; the last good one stays."
)
def test_the_third_miss_in_a_row_ends_the_run(source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root, runs__retry_seconds=0)
    list(islice(steps, 15))
    with (
        Disk(run.root, full("checkpoints")),
        pytest.raises(UserError, match=r"image 176 NOT saved; the one at image 80 is safe.*3 of 3") as error,
    ):
        list(steps)
    assert error.value.exit_code == ExitCode.DISK
    assert checkpoint.newest(run).facts["images_seen"] == 80
    assert [event["reason"] for event in journal.read(run.journal) if event["event"] == "end"] == ["failed"]


def test_before_the_first_checkpoint_nothing_is_called_safe(source: Path, tmp_path: Path) -> None:
    ears, run = Ears(), RunFolder(tmp_path / "run")
    steps = train(source, run.root, ears=ears)
    next(steps)
    with Disk(run.root, full("checkpoints")):
        list(islice(steps, 10))
    assert any("nothing of this run is saved yet" in text for text in ears.said)
    steps.close()


@pytest.mark.promise("After a miss the next try waits for its time, whatever else would be due.")
def test_a_try_waits_its_time(source: Path, tmp_path: Path) -> None:
    ears, run = Ears(), RunFolder(tmp_path / "run")
    steps = train(source, run.root, ears=ears)
    with Disk(run.root, full("checkpoints")):
        list(islice(steps, 75))
    assert len([text for text in ears.said if "NOT saved" in text]) == 1
    assert any("next try in 60 s" in text for text in ears.said)
    steps.close()


@pytest.mark.promise("The last checkpoint of a run is never called saved when it is not: exit code 12.")
@pytest.mark.parametrize("stopped", [True, False], ids=["stopped", "finished"])
def test_a_refused_last_checkpoint_is_an_error(stopped: bool, source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    list(islice(steps, 75))
    with Disk(run.root, full("checkpoints")), pytest.raises(UserError, match=r"is NOT saved; .* 560 is safe") as error:
        steps.close() if stopped else list(steps)
    assert error.value.exit_code == ExitCode.DISK
    assert checkpoint.newest(run).facts["images_seen"] == 560


def test_one_refusal_of_the_last_checkpoint_is_forgiven(source: Path, untroubled: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    list(islice(steps, 79))
    with Disk(run.root, full("checkpoints", times=1)):
        list(steps)
    assert differences(fingerprint(untroubled), fingerprint(run)) == []


@pytest.mark.promise(
    "Lines and pictures that a full disk refuses are written once there is room, none lost, none twice."
)
def test_refused_lines_and_pictures_are_written_later(source: Path, untroubled: RunFolder, tmp_path: Path) -> None:
    ears, run = Ears(), RunFolder(tmp_path / "run")
    steps = train(source, run.root, ears=ears)
    with Disk(run.root, full("journal", "samples", ".report", ".journal")):
        list(islice(steps, 70))
    list(steps)
    assert [text for text in ears.said if "could not be written" in text] != []
    assert len([text for text in ears.said if "could not be written" in text]) <= 2
    assert differences(fingerprint(untroubled), fingerprint(run)) == []


def test_what_is_refused_to_the_end_is_told(source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    next(steps)
    with (
        Disk(run.root, full("journal")),
        pytest.raises(UserError, match=r"journal.*The checkpoint is saved, this is lost") as error,
    ):
        list(steps)
    assert error.value.exit_code == ExitCode.DISK
    assert checkpoint.newest(run).facts["images_seen"] == 640


def test_a_line_half_written_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal.record(path, "step", 1)
    halves = iter([True])

    def half(_: int, call: Call) -> None:
        if call.name == "write" and next(halves, False):
            with path.open("ab", buffering=0) as file:
                file.write(call.data[:9])
            raise OSError(errno.ENOSPC, "full")

    with Disk(tmp_path, half), pytest.raises(UserError):
        journal.record(path, "step", 2)
    journal.record(path, "step", 3)
    assert [event["images_seen"] for event in journal.read(path)] == [1, 3]
    assert len(path.read_bytes().splitlines()) == 2


def test_after_a_torn_line_the_next_one_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal.record(path, "step", 1)
    with path.open("ab") as file:
        file.write(b'{"event": "st')
    journal.record(path, "step", 2)
    assert [event["images_seen"] for event in journal.read(path)] == [1, 2]


@pytest.mark.promise("A checkpoint that reads back otherwise than it was written is not called saved.")
def test_what_reads_back_otherwise_is_a_miss(source: Path, tmp_path: Path) -> None:
    ears, run = Ears(), RunFolder(tmp_path / "run")
    steps = train(source, run.root, ears=ears)
    list(islice(steps, 15))

    def garble(_: int, call: Call) -> None:
        if call.name == "read" and call.path.endswith(".tmp"):
            (run.root / call.path).write_bytes(b"other")

    with Disk(run.root, garble):
        list(islice(steps, 5))
    assert any("image 160 NOT saved; the one at image 80 is safe" in text for text in ears.said)
    steps.close()


@pytest.mark.promise("A half-written file of a process that died is removed at the next start, and that is said.")
def test_strays_are_removed(source: Path, tmp_path: Path) -> None:
    ears, run = Ears(), finish(source, tmp_path / "run", budget=80)
    stray = run.checkpoints / ".checkpoint-1.safetensors.1234.tmp"
    stray.write_bytes(b"half")
    finish(source, run.root, budget=80, ears=ears)
    assert not stray.exists()
    assert [text for text in ears.said if "1 half-written" in text] != []


@pytest.mark.promise(
    "A disk without room for a run is told before its first step, with what is needed and what is free."
)
def test_a_full_disk_at_the_start_is_told(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(source, tmp_path / "first", budget=8)  # prepares the images
    monkeypatch.setattr("dcgan.files.shutil.disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    with pytest.raises(UserError, match=r"run: this run needs 5\d MB, 3 MB are free\. Free some space") as error:
        finish(source, tmp_path / "run")
    assert error.value.exit_code == ExitCode.DISK
    assert not (tmp_path / "run" / "config.toml").exists()
