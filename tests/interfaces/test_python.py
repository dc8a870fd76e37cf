"""The package as people type it in Python: each kind of value that one would try, and sentences for the rest."""

import inspect
import typing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import dcgan
from dcgan.commands.measuring_options import CompareOptions, EvaluateOptions
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training
from dcgan.errors import UserError
from dcgan.interfaces import python
from dcgan.interfaces.console import CarefulStream, PlainDisplay
from dcgan.interfaces.given import COMMAND_LINE_ONLY
from dcgan.interfaces.run import Silence
from dcgan.runs.generator import TrainedGenerator

SMALL: dict[str, Any] = {
    "size": 16, "width": 4, "threads": 1, "precision": "fp32", "budget": 32,
    "settings": {"training.batch_size": 8, "runs.evaluations": 0, "runs.preview_rows": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three folders of noisy pictures."""
    folder, random = tmp_path_factory.mktemp("classes"), np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
        for number in range(8):
            picture = random.integers(0, 255, (20, 20, 3), np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def generator(classes: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedGenerator:
    """One that knows three classes."""
    run = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DCGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        list(dcgan.train(classes, labels=True, out=run, **SMALL))
    return dcgan.load(run)


def seen(source: object, out: Path, **options: Any) -> int:
    """Images after a whole run."""
    return list(dcgan.train(source, out=out, **SMALL | options))[-1].images_seen


def test_a_whole_number_is_a_number_of_images(critters_npy: Path, tmp_path: Path) -> None:
    assert seen(critters_npy, tmp_path / "run", budget=np.int64(16)) == 16


def test_a_size_may_be_a_pair_and_a_device_one_of_torch(critters_npy: Path, tmp_path: Path) -> None:
    assert seen(critters_npy, tmp_path / "run", size=(16, 16), device=torch.device("cpu")) == 32


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"batch_size": 8}, 'settings={"training.batch_size": …}'),
        ({"budgett": "1min"}, "Did you mean budget?"),
        ({"dry_run": True}, "dcgan train --dry-run"),
        ({"profile": True}, "dcgan train --profile"),
        ({"recipe": "stylegan"}, "must be one of modern, radford2015, d2l"),
        ({"precision": "fp16"}, "must be one of auto, fp32, bf16"),
        ({"channels": 3}, "must be one of auto, grey, rgb, rgba"),
        ({"seed": "seven"}, "must be a whole number"),
        ({"seed": True}, "must be a whole number"),
        ({"seed": -1}, "--seed -1"),
        ({"threads": 0}, "--threads 0"),
        ({"labels": ["a"]}, "must be True or False"),
        ({"budget": [5]}, "must be a whole number"),
        ({"size": (16, 16, 3)}, "--size 16x16x3"),
        ({"out": 3}, "must be text or a path, not int"),
        ({"settings": ["training.batch_size=8"]}, "must be a dictionary"),
        ({"settings": {"training.batch_sise": 8}}, "Did you mean training.batch_size?"),
        ({"display": "bar"}, 'must be "auto", or None'),
        ({"device": "cuda:99"}, "--device cuda:99"),
    ],
)
def test_what_cannot_be_meant_is_answered_by_a_sentence(
    options: dict[str, Any], told: str, critters_npy: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as error:
        dcgan.train(critters_npy, **{"out": tmp_path / "run", **SMALL, **options})
    assert told in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_array_is_no_source_and_is_told_how_to_become_one() -> None:
    with pytest.raises(UserError, match=r"an array of 60 x 16 x 16 x 3 .* numpy.save") as error:
        dcgan.train(np.zeros((60, 16, 16, 3), np.uint8))  # type: ignore[arg-type]
    assert len(str(error.value)) < 200


def test_seeds_may_be_one_number_or_many_of_any_library(generator: TrainedGenerator) -> None:
    expected = generator.sample([0, 1, 2])
    for seeds in (range(3), np.arange(3), torch.arange(3), (0, np.int64(1), torch.tensor(2)), iter([0, 1, 2])):
        assert torch.equal(generator.sample(seeds), expected)
    assert torch.equal(generator.sample(2), expected[2:])
    assert torch.equal(generator.latents(np.arange(3)), generator.latents([0, 1, 2]))


@pytest.mark.parametrize("seeds", [[-1], "3", [0.5], True, [2**70], None])
def test_what_is_no_seed_is_answered_by_a_sentence(generator: TrainedGenerator, seeds: Any) -> None:
    with pytest.raises(UserError, match="seeds"):
        generator.sample(seeds)


def test_classes_may_be_names_or_numbers_one_for_all_or_one_for_each(generator: TrainedGenerator) -> None:
    expected = generator.sample([5, 6], labels=[1, 1])
    for labels in ("b", 1, ["b"], ["b", "b"], ["b", 1], np.array([1, 1]), torch.tensor([1, 1])):
        assert torch.equal(generator.sample([5, 6], labels=labels), expected)
    assert not torch.equal(generator.sample([5, 6], labels="c"), expected)


@pytest.mark.parametrize("labels", [9, [3], "d", ["a", "b", "c"], -1, [0.5]])
def test_a_class_that_is_not_there_is_refused(generator: TrainedGenerator, labels: Any) -> None:
    with pytest.raises(UserError, match="labels"):
        generator.sample([0, 1], labels=labels)


def test_a_generator_without_classes_refuses_them(critters_npy: Path, tmp_path: Path) -> None:
    seen(critters_npy, tmp_path / "run")
    with pytest.raises(UserError, match="knows no classes"):
        dcgan.load(tmp_path / "run").sample([0], labels=[0])


def test_what_is_printed_says_what_it_is(generator: TrainedGenerator, critters_npy: Path, tmp_path: Path) -> None:
    assert "16 x 16 images, 3 channels, 3 classes" in repr(generator)
    with dcgan.train(critters_npy, out=tmp_path / "run", **SMALL) as run:
        report = next(run)
        assert repr(run) == f"<dcgan.TrainingRun {tmp_path / 'run'}: 8 of 32 images seen>"
    assert repr(report).startswith("StepReport(images_seen=8, discriminator_loss=")
    assert "tensor" not in repr(report)


def test_the_same_call_again_closes_the_earlier_one_and_goes_on(critters_npy: Path, tmp_path: Path) -> None:
    earlier = dcgan.train(critters_npy, out=tmp_path / "run", **SMALL)
    assert next(earlier).images_seen == 8
    again = dcgan.train(critters_npy, out=tmp_path / "run", **SMALL)
    assert next(again).images_seen == 16
    assert list(earlier) == []
    again.close()


def test_a_run_that_was_never_begun_can_be_closed_and_opened_again(critters_npy: Path, tmp_path: Path) -> None:
    first = dcgan.train(critters_npy, out=tmp_path / "run", **SMALL)
    first.close()
    assert seen(critters_npy, tmp_path / "run") == 32


def test_a_lock_of_this_very_process_is_told_as_such(critters_npy: Path, tmp_path: Path) -> None:
    options = TrainOptions(source=str(critters_npy), size="16", width=4, threads=1, out=str(tmp_path / "run"))
    with Training(options, Silence()), pytest.raises(UserError, match=r"this very process.*run\.close"):
        Training(options, Silence())


def test_a_run_is_silent_without_a_terminal_and_tells_its_story_where_asked(
    critters_npy: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    seen(critters_npy, tmp_path / "silent")
    assert tuple(capsys.readouterr()) == ("", "")
    told: list[str] = []
    stream: Any = type("Stream", (), {"write": told.append, "flush": print, "encoding": "utf-8", "isatty": bool})()
    seen(critters_npy, tmp_path / "told", display=PlainDisplay(CarefulStream(stream)))
    assert "32 of 32 images" in "".join(told) and "New images:" in "".join(told)


def test_the_source_of_a_run_is_found_from_any_folder(
    critters_npy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(critters_npy.parent)
    with dcgan.train(critters_npy.name, out=tmp_path / "run", **SMALL) as run:
        next(run)
        assert run.config.data.source == str(critters_npy)
    monkeypatch.chdir(tmp_path)
    assert seen(None, Path("run"), size=None, width=None, settings=None, budget=64) == 64


def test_a_source_can_be_inspected(classes: Path, tmp_path: Path) -> None:
    found = dcgan.inspect(classes, size=(16, 16), out=tmp_path / "sheet.png")
    assert "24 images" in found.lines[0]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] > 16
    with pytest.raises(UserError, match="Did you mean classes"):
        dcgan.inspect(classes, classses="a")  # type: ignore[arg-type]


def test_images_can_be_measured_and_runs_compared(critters_npy: Path, tmp_path: Path) -> None:
    measured = dcgan.evaluate(critters_npy, reference=critters_npy, size=16, detectors="tiny")
    assert measured.measurements
    settings = SMALL["settings"]
    for name in ("one", "two"):
        seen(critters_npy, tmp_path / name, settings=settings)
    compared = dcgan.compare(tmp_path / "one", tmp_path / "two", samples=0, out=tmp_path / "both")
    assert compared.troubles == []
    assert (tmp_path / "both" / "comparison.html").is_file()
    with pytest.raises(UserError, match="no such option"):
        dcgan.compare(tmp_path / "one", sample=100)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "options", "other"),
    [
        (python.train, TrainOptions, {"display"}),
        (python.evaluate, EvaluateOptions, {"display"}),
        (python.compare, CompareOptions, {"display", "data"}),
    ],
)
def test_python_has_every_option_of_the_command_written_out_and_typed(
    function: Any, options: type, other: set[str]
) -> None:
    parameters = inspect.signature(function).parameters.keys() - {"unknown"} - other
    missing = set(typing.get_type_hints(options)) - parameters - COMMAND_LINE_ONLY.keys()
    assert missing <= {"json", "as_json", "source", "fit", "channels", "bits", "background", "limit", "classes"}
    assert options is not TrainOptions or missing == set()
    assert all(item.annotation is not Any for item in inspect.signature(function).parameters.values())
