"""A loss of power at any moment of a run: what the disk may hold then is enough to go on."""

from pathlib import Path

import pytest

from benchmarks.torture.faulty_disk import Call
from benchmarks.torture.power_loss import DiskModel, digest
from benchmarks.torture.power_trials import faults, record, states


@pytest.mark.promise(
    "After a loss of power the last checkpoint called saved is there, whole, with its lines and pictures."
)
def test_what_was_called_safe_survives(source: Path, tmp_path: Path) -> None:
    recording = record(source, tmp_path / "parent")
    found = list(states(recording, 100))
    assert len(found) == 100
    wrong = [fault for safe, state in found for fault in faults(recording, safe, state, tmp_path / "state")]
    assert wrong == []


def left_of(*calls: tuple[str, ...]) -> set[tuple[tuple[str, bytes], ...]]:
    import random

    model = DiskModel()
    for name, path, *rest in calls:
        data = rest[0].encode() if name == "write" else b""
        model.apply(Call(name, path, target=rest[0] if name == "rename" else "", data=data))
    return {tuple(sorted(state.items())) for state in model.states(random.Random(0))}


def test_of_a_file_nobody_flushed_anything_may_be_left() -> None:
    written = [("create", "a"), ("write", "a", "abcd")]
    assert left_of(*written) == {(), *((("a", each),) for each in (b"", b"ab", b"abcd", bytes(4)))}


def test_a_file_is_safe_when_it_and_its_folder_are_flushed() -> None:
    written = [("create", "a"), ("write", "a", "abcd"), ("fsync", "a")]
    assert left_of(*written) == {(), (("a", b"abcd"),)}
    assert left_of(*written, ("fsync", ".")) == {(("a", b"abcd"),)}


def test_a_rename_is_whole_or_lost() -> None:
    before = [("create", "a"), ("write", "a", "new"), ("fsync", "a"), ("create", "b"), ("fsync", ".")]
    assert left_of(*before, ("rename", "a", "b")) == {(("a", b"new"), ("b", b"")), (("b", b"new"),)}


def test_a_folder_that_is_lost_takes_its_files_with_it() -> None:
    made = [("mkdir", "d"), ("create", "d/a"), ("write", "d/a", "x"), ("fsync", "d/a"), ("fsync", "d")]
    assert left_of(*made) == {(), (("d/a", b"x"),)}


def test_equal_states_are_counted_once() -> None:
    assert digest({"a": b"1", "b": b""}) == digest({"b": b"", "a": b"1"}) != digest({"a": b"", "b": b"1"})
