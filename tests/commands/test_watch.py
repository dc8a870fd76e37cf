"""Watching: it finds what it should, and changes nothing."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dcgan
from dcgan.commands.live import watch
from dcgan.commands.live.watch import Look, Watch, new_alarms
from dcgan.data.prepare import prepare
from dcgan.data.sources.critters import draw
from dcgan.evaluation.measures.contrast import contrast, strengths
from dcgan.evaluation.measures.distances import Estimate
from dcgan.runs import checkpoint, journal, shelf
from dcgan.runs.folder import RunFolder
from dcgan.settings.recipes import recipe

TINY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 16,
    "runs.evaluation_samples": 100, "hardware.precision": "fp32", "runs.journal_every_images": 64,
    "training.guard": False,
}  # fmt: skip


@pytest.fixture
def creatures(tmp_path: Path) -> Path:
    path = tmp_path / "creatures.npy"
    np.save(path, np.stack([draw(number, 16, 16)[..., :3] for number in range(150)]))
    return path


def trained(source: Path, out: Path, evaluations: int) -> RunFolder:
    settings = TINY | {"runs.evaluations": evaluations}
    for _ in dcgan.train(source, size=16, out=out, budget="640", threads=1, settings=settings):
        pass
    return RunFolder(out)


@pytest.mark.promise(
    "Measuring a run while it trains changes none of its weights, unless the guard goes back for an alarm."
)
def test_a_run_that_is_watched_ends_with_the_weights_of_one_that_is_not(
    creatures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEAST_IMAGES", 64)
    watched, alone = trained(creatures, tmp_path / "watched", 5), trained(creatures, tmp_path / "alone", 0)
    looks = [event for event in journal.read(watched.journal) if event["event"] == "evaluation"]
    assert [look["images_seen"] for look in looks] == [128, 256, 384, 512, 640]
    assert all(math.isfinite(look["distance"]) and look["low"] < look["high"] for look in looks)
    assert not [event for event in journal.read(alone.journal) if event["event"] == "evaluation"]
    ours, theirs = checkpoint.newest(watched).tensors, checkpoint.newest(alone).tensors
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert shelf.best(alone) is None
    best, facts = shelf.best(watched)
    assert facts["images_seen"] in (128, 256, 384, 512, 640)
    assert facts["distance"] == next(look["distance"] for look in looks if look["images_seen"] == facts["images_seen"])
    assert dcgan.load(watched.root).path == best
    assert dcgan.load(watched.root, "last").path == shelf.paths(watched)[0]


def test_the_end_of_a_run_is_looked_at_too(creatures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LEAST_IMAGES", 64)
    better = iter([9.0, 5.0, 1.0])
    monkeypatch.setattr(watch, "kernel_distance", lambda *_: Estimate(value := next(better), value - 0.1, value + 0.1))
    run = trained(creatures, tmp_path / "run", 3)
    looks = [event["images_seen"] for event in journal.read(run.journal) if event["event"] == "evaluation"]
    assert looks == [224, 432, 640]  # every 214, and the end, which is no multiple of it
    assert shelf.best(run)[1]["images_seen"] == 640
    assert dcgan.load(run.root).path == shelf.best(run)[0]


def test_a_run_that_is_at_its_best_early_keeps_that(
    creatures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEAST_IMAGES", 64)
    worse, larger = iter([1.0, 3.0, 5.0, 7.0, 9.0]), iter([1.0, 2.0, 3.0, 4.0, 5.0])
    monkeypatch.setattr(watch, "kernel_distance", lambda *_: Estimate(value := next(worse), value - 0.1, value + 0.1))
    monkeypatch.setattr(watch, "frechet_distance", lambda *_: next(larger))
    run = trained(creatures, tmp_path / "run", 5)
    path, facts = shelf.best(run)
    assert facts["images_seen"] == checkpoint.read(path).facts["images_seen"] == 128


def looked(*distances: float, name: str = "kid_tiny_1k", frechet: Iterable[float] = ()) -> list[dict[str, Any]]:
    """The events of a journal: a kernel distance each, 0.1 give or take, and a Fréchet one, the same if not said."""
    looks = (
        Look(name, Estimate(value, value - 0.1, value + 0.1), other, 1.0, 1.0, None)
        for value, other in zip(distances, tuple(frechet) or distances, strict=True)
    )
    return [{"event": "step"}, *({"event": "evaluation", **look.facts()} for look in looks)]


def test_the_best_is_the_newest_unless_it_is_worse_by_more_than_chance() -> None:
    config = recipe("modern")
    looking = Watch(config, None)  # type: ignore[arg-type]
    assert looking.is_best(looked(5.0)), "the first one"
    assert looking.is_best(looked(5.0, 1.0, 1.09)), "within the interval of the least"
    assert not looking.is_best(looked(5.0, 1.0, 1.11)), "above it"
    assert not looking.is_best(looked(1.0, 1.08, 1.16)), "worse by a little each time"
    assert looking.is_best(looked(1.0, 5.0, frechet=(2.0, 1.9))), "nearer by the other distance"
    assert not looking.is_best(looked(1.0, 5.0, frechet=(2.0, 2.1))), "further by both"
    older = [{name: value for name, value in event.items() if name != "frechet"} for event in looked(1.0)]
    assert not looking.is_best([*older, *looked(5.0)]), "nothing is known of the other distance"
    assert looking.is_best([*looked(0.1, name="kid_tiny_500"), *looked(1.0)]), "other numbers of samples"
    unaveraged = Watch(config.asked({"training.average_half_life": None}), None)  # type: ignore[arg-type]
    assert not unaveraged.is_best(looked(0.1)), "without an average the last weights are the result"


def test_a_best_checkpoint_can_be_loaded_though_real_and_fake_were_not_told_apart(
    creatures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LEAST_IMAGES", 64)
    monkeypatch.setattr(watch, "_mean_score", lambda *_: 0.5)
    monkeypatch.setattr(Watch, "_score_of_rows", lambda *_: 0.5)
    monkeypatch.setattr(watch, "NUM_SCORED", 10)
    source = tmp_path / "more.npy"
    np.save(source, np.stack([draw(number, 16, 16)[..., :3] for number in range(1100)]))  # enough to hold some out
    run = trained(source, tmp_path / "run", 2)
    looks = [event for event in journal.read(run.journal) if event["event"] == "evaluation"]
    assert [look["overfitting"] for look in looks] == [None, None]
    assert dcgan.load(run.root).path == shelf.best(run)[0]
    last = dcgan.load(run.root, "last")
    dataset = prepare(last.config.data)
    drawn = last.sample(range(watch.FIRST_SEED, watch.FIRST_SEED + 100))
    real = torch.from_numpy(dataset.pixels[dataset.held_out]).permute(0, 3, 1, 2)
    assert looks[-1]["contrast"] == pytest.approx(contrast(strengths(drawn), strengths(real)), rel=1e-2)


def test_an_alarm_is_said_once() -> None:
    look = looked(1.0)[-1] | {"diversity": 0.1}
    events = [{"event": "evaluation", "images_seen": number, **look} for number in (1, 2)]
    (alarm,) = new_alarms(events)
    assert alarm.kind == "collapse"
    assert new_alarms([*events, {"event": "warning", "images_seen": 2, "text": "…", "kind": "collapse"}]) == []
