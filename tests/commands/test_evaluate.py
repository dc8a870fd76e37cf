"""Evaluating: what is known beforehand about images must come out as a number."""

import json
from pathlib import Path

import numpy as np
import pytest

import dcgan
from dcgan.commands.evaluate import EvaluateOptions, Evaluation, evaluate
from dcgan.data.sources.critters import draw
from dcgan.errors import UserError
from dcgan.evaluation.measurement import Measurement
from dcgan.interfaces.cli import main
from dcgan.runs.folder import RunFolder

COUNT = 1200


def painted(numbers: range) -> np.ndarray:
    """These creatures in colour, over white."""
    drawn = np.stack([draw(number, 16, 16) for number in numbers])
    return np.where(drawn[..., 3:] > 127, drawn[..., :3], 255).astype(np.uint8)


@pytest.fixture(scope="module")
def creatures() -> np.ndarray:
    """n h w c: enough of them that a tenth is held out."""
    return painted(range(COUNT))


@pytest.fixture
def real(tmp_path: Path, creatures: np.ndarray) -> Path:
    path = tmp_path / "creatures.npy"
    np.save(path, creatures)
    return path


def judged(images: np.ndarray, real: Path, **options: object) -> Evaluation:
    path = real.with_name("images.npy")
    np.save(path, images)
    return evaluate(EvaluateOptions(target=str(path), reference=str(real), size="16", detectors=("second",), **options))


def value(evaluation: Evaluation, measure: str, split: str | None = None) -> Measurement:
    return next(
        one for one in evaluation.measurements if one.name.startswith(measure) and split in (None, one.protocol.split)
    )


def test_training_images_offered_as_samples_are_called_copies(real: Path, creatures: np.ndarray) -> None:
    evaluation = judged(creatures[:400], real)
    assert "some are copies" in evaluation.remarks[-1]
    assert value(evaluation, "fd_second_400", "train").value < value(evaluation, "fd_second_400", "held out").value


def test_new_creatures_are_as_near_as_real_ones_and_no_copies(real: Path) -> None:
    evaluation = judged(painted(range(COUNT, COUNT + 400)), real)
    assert "no sign of copies" in evaluation.remarks[-1]
    distance = value(evaluation, "fd_second_400", "held out")
    assert abs(distance.excess) < 0.2 * distance.floor
    low, high = value(evaluation, "kid_second_400", "held out").interval
    assert low < 0 < high


def test_one_good_image_over_and_over_is_precise_and_recalls_nothing(real: Path, creatures: np.ndarray) -> None:
    random = np.random.default_rng(0)
    shaken = creatures[7].astype(int) + random.integers(-2, 3, (300, *creatures.shape[1:]))
    evaluation = judged(shaken.clip(0, 255).astype(np.uint8), real)
    assert value(evaluation, "precision").value > 0.9
    assert value(evaluation, "recall").value < 0.1
    assert value(evaluation, "diversity").value < 0.2


def test_pictures_and_numbers_are_written_where_asked_and_nowhere_else(real: Path, creatures: np.ndarray) -> None:
    before = sorted(real.parent.iterdir())
    judged(creatures[:200], real)
    assert sorted(real.parent.iterdir()) == sorted([*before, real.with_name("images.npy")])
    run = RunFolder(real.with_name("verdict"))
    evaluation = judged(creatures[:200], real, out=str(run.root))
    assert {path.name for path in run.root.iterdir()} == {
        "evaluation.json", "copies.png", "most-usual.png", "least-usual.png"
    }  # fmt: skip
    kept = json.loads(run.evaluation.read_text())
    assert [Measurement.from_json(one) for one in kept["measurements"]] == evaluation.measurements


def test_the_command_line_prints_measurements_with_their_protocol(
    real: Path, creatures: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(real.with_name("images.npy"), creatures[:150])
    words = [str(real.with_name("images.npy")), "--reference", str(real), "--size", "16", "--detector", "second"]
    assert main(["evaluate", *words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {"name", "value", "protocol"} <= printed[0].keys()
    assert printed[0]["protocol"]["num_samples"] == 150
    assert main(["evaluate", *words]) == 0
    assert "fd_second_150" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"target": "nothing"}, "no such run, folder or file"),
        ({"target": "critters"}, "--reference"),
        ({"target": "nothing", "reference": "critters"}, "nothing"),
        ({"target": "critters", "reference": "critters", "samples": 5}, "at least 100"),
        ({"target": "critters", "reference": "critters", "detectors": ("eagle",), "size": "16"}, "eagle"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_reason(options: dict, expected: str) -> None:
    with pytest.raises(UserError, match=expected):
        evaluate(EvaluateOptions(**options))


def test_too_few_images_are_refused(real: Path, creatures: np.ndarray) -> None:
    with pytest.raises(UserError, match="At least 100"):
        judged(creatures[:20], real)


def test_a_run_without_an_average_is_judged_with_statistics_estimated_anew(real: Path, tmp_path: Path) -> None:
    settings = {"model.generator_width": 4, "model.discriminator_width": 4, "hardware.precision": "fp32"}
    for _ in dcgan.train(real, recipe="d2l", size=16, out=tmp_path / "run", budget="600", threads=1, settings=settings):
        pass
    options = EvaluateOptions(target=str(tmp_path / "run"), detectors=("second",), samples=100)
    evaluation = evaluate(options)
    assert "statistics of 100 new batches" in evaluation.remarks[0]
    values = [(one.name, one.protocol.split, one.value) for one in evaluation.measurements]
    assert values == [(one.name, one.protocol.split, one.value) for one in evaluate(options).measurements]
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "fd_second_100" in report and "How good they are" in report


def test_a_class_has_the_same_name_in_every_run(tmp_path: Path, creatures: np.ndarray) -> None:
    np.savez(tmp_path / "real.npz", x_train=creatures, y_train=np.arange(COUNT) % 3)
    evaluation = judged(creatures[:200], tmp_path / "real.npz")
    names = [one.name for one in evaluation.measurements if "[" in one.name]
    assert names and set(names) <= {f"{of}_second_200[{name}]" for name in "012" for of in ("kid", "share")}
    assert sum(one.protocol.num_samples for one in evaluation.measurements if one.name.startswith("share_")) <= 200
