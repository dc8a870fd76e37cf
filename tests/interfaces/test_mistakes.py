"""Mistakes that people make, typed on purpose: each is answered by a sentence that says what to do.

Nothing heavy runs: what can be known before the images is told before them.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from dcgan.errors import ExitCode
from dcgan.interfaces.cli import main
from dcgan.interfaces.signals import Stop

U, D, C, K = ExitCode.USAGE, ExitCode.DATA, ExitCode.CHECKPOINT, ExitCode.DISK


class Mistake(NamedTuple):
    """What was typed, and words that the answer must have."""

    typed: str
    code: int
    told: str


MISTAKES = (
    # Typos
    Mistake("trian photos", U, "Did you mean train?"),
    Mistake("frobnicate", U, "Known: train, sample"),
    Mistake("--train photos", U, "no such command"),
    Mistake("train photos --buget 2min", U, "Did you mean --budget?"),
    Mistake("train photos --budget=2min --colour red", U, "--colour: dcgan train has no such option"),
    Mistake("train photos -s 64", U, "-s: dcgan train has no such option"),
    Mistake("train photos --recipe moden", U, "Did you mean modern?"),
    Mistake("train photos --set training.batchsize=64", U, "Did you mean training.batch_size?"),
    Mistake("train photos --set batch_size=64", U, "Did you mean training.batch_size?"),
    Mistake("train criters", D, "Did you mean critters?"),
    Mistake("explore wlak run", U, "Known: "),
    Mistake("export run --to onxx", U, "onnx"),
    # Values of the wrong kind
    Mistake("train photos --seed abc", U, "--seed abc: must be a whole number"),
    Mistake("train photos --seed 1.5", U, "--seed 1.5: must be a whole number"),
    Mistake("train photos --seed -1", U, "--seed -1: must be a whole number from 0 on"),
    Mistake("train photos --threads 0", U, "--threads 0: must be a whole number from 1 on"),
    Mistake("train photos --threads -4", U, "--threads -4: must be a whole number from 1 on"),
    Mistake("train photos --width 0", U, "--width 0: must be a whole number from 1 on"),
    Mistake("train photos --limit 1", U, "--limit 1: must be a whole number from 2 on"),
    Mistake("train photos --size 33", U, "Nearest: 32 or 40"),
    Mistake("train photos --size 512", U, "Nearest: 256"),
    Mistake("train photos --size big", U, "such as 64 or 48x80"),
    Mistake("train photos --budget 5", U, "Write 5min for minutes"),
    Mistake("train photos --budget 0", U, "10min"),
    Mistake("train photos --budget 2minutes", U, "10min"),
    Mistake("train photos --budget", U, "--budget: its value is missing"),
    Mistake("train photos --labels=yes", U, "--labels: takes no value"),
    Mistake("train photos --precision fp16", U, "must be one of auto, fp32, bf16"),
    Mistake("train photos --channels cmyk", U, "must be one of auto, grey, rgb, rgba"),
    Mistake("train photos --background blurple", U, "#e0ffe0"),
    Mistake("train photos --device gpu", U, "not available on this machine"),
    Mistake("train photos --device cuda:77", U, "dcgan doctor"),
    Mistake("train photos --classes dragon --size 16", D, "no such class"),
    Mistake("train photos --set training.batch_size=lots", U, "must be a whole number"),
    Mistake("train photos --set training.batch_size", U, "section.key=value"),
    Mistake("train photos --size 64 --set training.batch_size=9000000", ExitCode.MEMORY, "GB are free"),
    Mistake("compare --data photos --repeats x", U, "--repeats x: must be a whole number"),
    Mistake("compare --data photos --budget 3", U, "Write 3min for minutes"),
    Mistake("sample run --seeds 5-1", U, "such as 0-63"),
    Mistake("sample run --format bmp", U, "must be one of png, webp, gif, apng"),
    Mistake("evaluate run --samples 10", U, "--samples 10"),
    # Files and folders that are not there, or are something else
    Mistake("train nowhere", D, "nowhere: no such file or folder"),
    Mistake("train empty", D, "empty: no images in it"),
    Mistake("train notes.txt", D, "not a file of many images"),
    Mistake("train notes", D, "no images in it"),
    Mistake("train https://example.org/photos.zip", D, "Download it first"),
    Mistake("train ~nobody-of-that-name/photos", D, "cannot be opened"),
    Mistake("train loop", D, "loop"),
    Mistake("train photos --config nothing.toml", U, "nothing.toml"),
    Mistake("train photos --config bad.toml", U, "bad.toml: not a config file"),
    Mistake("train photos --out notes", U, "notes/run"),
    Mistake("train photos --out notes.txt", K, "is a file, not a folder"),
    Mistake("train photos --out notes.txt/run", K, "is a file, not a folder"),
    Mistake("data nowhere", D, "nowhere: no such file or folder"),
    Mistake("data photos --out sheet.jpg", U, ".png"),
    Mistake("sample nowhere", C, "no such folder"),
    Mistake("sample empty", C, "no run with a checkpoint"),
    Mistake("sample notes.txt", C, "not a checkpoint"),
    Mistake("sample begun", C, "has saved nothing yet"),
    Mistake("evaluate nowhere", U, "nowhere: no such run, folder or file"),
    Mistake("evaluate nowhere --reference photos", U, "nowhere: no such run, folder or file"),
    Mistake("evaluate photos", U, "--reference"),
    Mistake("compare nowhere", U, "nowhere: no run that has begun"),
    Mistake("export nowhere --to onnx", C, "no such folder"),
    # Words in the wrong order, or missing
    Mistake("train my photos", U, "Put quotes around a name with spaces"),
    Mistake("sample", U, "RUN is missing. Write dcgan sample RUN"),
    Mistake("export run", U, "--to FORMAT is missing"),
    Mistake("compare", U, "Name the runs"),
    Mistake("compare --vary model.negative_slope=0,0.2", U, "Name the runs"),
    Mistake("explore walk", U, "RUN is missing"),
    Mistake("--budget 5min train photos", U, "no such command"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos, notes, and what else people have."""
    root, random = tmp_path_factory.mktemp("place"), np.random.default_rng(0)
    for folder in ("photos", "notes", "empty", "begun"):
        (root / folder).mkdir()
    for number in range(4):
        picture = random.integers(0, 255, (20, 20, 3), np.uint8)
        Image.fromarray(picture).save(root / "photos" / f"{number}.png")
    (root / "notes" / "monday.txt").write_text("milk")
    (root / "notes.txt").write_text("milk")
    (root / "bad.toml").write_text("seed 3")
    (root / "begun" / "config.toml").write_text("seed = 3\n")
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.mark.promise("A mistake gets a sentence on what to do, never a traceback.")
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.typed)
def test_a_mistake_is_answered_by_a_sentence_that_says_what_to_do(
    mistake: Mistake, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setattr("dcgan.data.prepare.read_all", None)  # no image is read before it is told
    before = sorted(place.rglob("*"))
    assert main(mistake.typed.split()) == mistake.code
    out, told = capsys.readouterr()
    assert out == ""
    assert mistake.told in told
    assert told.startswith("dcgan: ") and told.count("\n") <= 2 and len(told) < 500
    assert not any(words in told for words in ("Unexpected", "Traceback", "NoneType", "<class", "'None'", "Errno"))
    assert sorted(place.rglob("*")) == before


def test_there_are_at_least_fifty_of_them() -> None:
    assert len({mistake.typed for mistake in MISTAKES}) >= 50


def deny(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As for a person who may not write there."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != folder)


def test_a_folder_that_may_not_be_written_is_told_before_the_images(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    deny(monkeypatch, tmp_path)
    monkeypatch.setattr("dcgan.data.prepare.read_all", None)
    assert main(["train", str(place / "photos"), "--size", "16", "--out", str(tmp_path / "run")]) == K
    assert "may not be written. Name another folder: --out FOLDER" in capsys.readouterr().err


def test_a_disk_that_is_full_is_told_before_the_images_are_packed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100})())
    assert main(["data", str(place / "photos"), "--size", "16"]) == K
    assert "Free some space, or choose another disk" in capsys.readouterr().err


def test_a_folder_that_is_gone_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["train", "critters"]) == K
    assert "cd to another" in capsys.readouterr().err


SMALL = ["--size", "16", "--width", "4", "--threads", "999", "--precision", "fp32", "--set", "runs.evaluations=0"]


def test_more_threads_than_the_machine_has_are_cut_and_that_is_said(
    critters_npy: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["train", str(critters_npy), *SMALL, "--budget", "64", "--out", str(tmp_path / "run")]) == 0
    there = os.cpu_count()
    assert f"--threads 999: this machine has {there} processor threads" in capsys.readouterr().err
    assert f"threads = {there}\n" in (tmp_path / "run" / "config.toml").read_text()


def test_the_start_of_a_run_prints_at_most_ten_lines_and_reasons_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    source, random = tmp_path / "source", np.random.default_rng(0)
    for name in ("cat", "dog"):
        (source / name).mkdir(parents=True)
        for number in range(30):
            picture = random.integers(0, 255, (20 + number, 20, 4), np.uint8)
            Image.fromarray(picture).save(source / name / f"{number}.png")
        (source / name / "broken.jpg").write_bytes(b"no picture")
        (source / name / "again.png").write_bytes((source / name / "0.png").read_bytes())
    words = ["train", str(source), *SMALL[:4], "--precision", "fp32", "--budget", "64", "--out", str(tmp_path / "run")]
    assert main(words) == 0
    lines = capsys.readouterr().err.splitlines()
    start = [
        line for line in lines[: next(n for n, line in enumerate(lines) if "loss_D" in line)] if "prepared" not in line
    ]
    assert 4 <= len(start) <= 10, start
    assert not any(line.startswith("training.") for line in start)
    assert any("2 unusable" in line and "dcgan data source" in line for line in start)
    assert main([*words[:-1], str(tmp_path / "other"), "--verbose"]) == 0
    assert any(line.startswith("model.statistics_batches=16: ") for line in capsys.readouterr().err.splitlines())


def interrupting(when: int) -> Callable[..., int]:
    """A clock that asks the run to stop at once after so many looks."""
    looks = iter(range(when))

    def look(stop: Stop) -> int | None:
        if next(looks, None) is None:
            raise KeyboardInterrupt
        return None

    return look  # type: ignore[return-value]


@pytest.mark.promise("What is said to be safe is on disk.")
@pytest.mark.parametrize("saving", [8, 1_000_000])
def test_a_run_that_is_stopped_at_once_says_what_is_on_disk(
    saving: int, critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(Stop, "asked", property(interrupting(2), lambda stop, value: None), raising=False)
    monkeypatch.setattr("dcgan.commands.live.session.Session._close", lambda session: None)
    monkeypatch.setattr("dcgan.commands.live.due.FIRST_SAVE_SECONDS", 1e9)
    words = [*SMALL, "--set", "training.batch_size=8", "--set", f"runs.save_every_images={saving}", "--budget", "6400"]
    words += ["--set", "runs.save_every_seconds=1000000"]
    assert main(["train", str(critters_npy), *words, "--out", str(tmp_path / "run")]) == ExitCode.INTERRUPTED
    last = capsys.readouterr().err.splitlines()[-1]
    found = sorted(int(path.name[11:23]) for path in (tmp_path / "run").glob("checkpoints/checkpoint-*"))
    assert last.startswith("dcgan: Stopped at once. ")
    assert (f"at image {found[-1]} is safe" if saving == 8 else "was saved yet") in last
    assert bool(found) == (saving == 8)


def test_a_stop_before_training_claims_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dcgan.data.prepare.read_all", interrupt)
    words = ["train", str(place / "photos"), "--size", "16", "--out", str(tmp_path / "run")]
    assert main(words) == ExitCode.INTERRUPTED
    assert "was saved yet; the same command begins anew" in capsys.readouterr().err
    assert main(["data", str(place / "photos"), "--size", "16"]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.endswith("dcgan: Stopped at once.\n")


def test_a_run_has_its_first_checkpoint_within_seconds(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dcgan
    from dcgan.commands.live import due

    monkeypatch.setattr(due, "FIRST_SAVE_SECONDS", 0.0)
    with dcgan.train(critters_npy, size=16, width=4, threads=1, precision="fp32", out=tmp_path / "run") as run:
        next(run)
        next(run)
        assert len(list((tmp_path / "run" / "checkpoints").glob("checkpoint-*"))) == 1
