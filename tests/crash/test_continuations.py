"""Whoever goes on from a checkpoint, and whoever gives the same command, comes to the same weights: of each kind, one.

``make torture`` has two hundred.
"""

from pathlib import Path

import pytest

from benchmarks.torture.continuations import Command, trial


@pytest.mark.promise("Processes that go on from one checkpoint, and those that start with one command, end alike.")
@pytest.mark.parametrize(("threads", "number"), [(1, 1), (2, 2)], ids=["1 thread, started", "2 threads, continued"])
def test_processes_that_find_their_memory_elsewhere_end_in_the_same_bits(
    threads: int, number: int, tmp_path: Path
) -> None:
    command = Command(tmp_path, threads=threads, precision="fp32")
    stopped = command.stopped()
    assert len(command.whole["tensors"]) > 20
    assert trial(command, stopped, number)["wrong"] == []
