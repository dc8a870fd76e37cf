"""Whoever goes on from a checkpoint, and whoever gives the same command, comes to the same weights."""

from pathlib import Path

import pytest

from benchmarks.torture.continuations import Command, trial


@pytest.mark.promise("Processes that go on from one checkpoint, and those that start with one command, end alike.")
@pytest.mark.parametrize(("threads", "trials"), [(1, 1), (2, 3)])
def test_processes_that_find_their_memory_elsewhere_end_in_the_same_bits(
    threads: int, trials: int, tmp_path: Path
) -> None:
    command = Command(tmp_path, threads=threads, precision="fp32")
    stopped = command.stopped()
    assert len(command.whole["tensors"]) > 20
    assert [wrong for number in range(1, trials + 1) for wrong in trial(command, stopped, number)["wrong"]] == []
