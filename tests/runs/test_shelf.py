"""The best checkpoint of a run stays, whatever else is pruned."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from benchmarks.torture.errnos import facts, tensors
from benchmarks.torture.tiny_runs import train
from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint, shelf
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import load_generator


def positions(run: RunFolder) -> list[int]:
    return [checkpoint.read(path).facts["images_seen"] for path in shelf.paths(run)]


@pytest.mark.promise("The checkpoint that measured best is kept besides the last ones, and can be asked for.")
def test_the_best_is_kept_and_can_be_asked_for(source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    list(islice(steps, 20))
    assert shelf.best(run) is None
    with pytest.raises(UserError, match="no best checkpoint"):
        load_generator(run.root, "best")
    best = shelf.paths(run)[0]
    shelf.mark_best(run, best, {"measurement": "fd_tiny_5k", "value": 12.5})
    list(steps)
    assert positions(run) == [640, 560, 480, 160]
    path, told = shelf.best(run)
    assert (path, told["value"], told["images_seen"]) == (best, 12.5, 160)
    last, chosen = load_generator(run.root), load_generator(run.root, "best")
    assert (last.path, chosen.path) == (shelf.paths(run)[0], best)
    assert not torch.equal(last.sample([1]), chosen.sample([1]))


def test_a_better_one_takes_its_place(source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    list(islice(steps, 20))
    shelf.mark_best(run, shelf.paths(run)[0], {})
    list(islice(steps, 30))
    shelf.mark_best(run, shelf.paths(run)[0], {})
    list(steps)
    assert positions(run) == [640, 560, 480, 400]


def test_a_mark_that_cannot_be_read_prunes_nothing_and_a_damaged_best_is_told(source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    steps = train(source, run.root)
    list(islice(steps, 20))
    best = shelf.paths(run)[0]
    shelf.mark_best(run, best, {})
    best.write_bytes(b"damaged")
    with pytest.raises(UserError, match="is damaged"):
        load_generator(run.root, "best")
    run.best.write_bytes(b"{")
    list(steps)
    assert best.exists()
    assert len(shelf.paths(run)) == 8
    with pytest.raises(UserError, match="cannot be read") as error:
        load_generator(run.root, "best")
    assert error.value.exit_code == ExitCode.CHECKPOINT
    assert load_generator(run.root).path == shelf.paths(run)[0]


def test_another_attempt_is_newer_than_what_it_left_behind(source: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    saved = {}
    for attempt, images_seen in [(0, 160), (0, 240), (1, 160), (1, 168)]:
        told = facts(images_seen) | {"attempt": attempt}
        path = checkpoint.save(run, tensors(images_seen), told, keep=2)
        saved[path] = path.read_bytes()
    found = checkpoint.newest(run)
    assert (found.facts["attempt"], found.facts["images_seen"]) == (1, 168)
    assert [path.name.split("-")[1:3] for path in shelf.paths(run)] == [
        ["000000000168", "attempt1"],
        ["000000000160", "attempt1"],
    ]
    for path, content in saved.items():  # as if killed before anything was pruned
        path.write_bytes(content)
    assert checkpoint.newest(run).facts == found.facts
