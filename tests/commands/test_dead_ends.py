"""Evaluating where something is missing: what can be measured is, the rest is left out with a sentence."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.commands.evaluate import Evaluation, evaluate
from dcgan.commands.measuring_options import EvaluateOptions
from dcgan.data.sources.critters import draw
from dcgan.errors import UserError
from dcgan.interfaces.cli import main
from dcgan.reporting.measures import read_measures

SETTINGS = {"model.generator_width": 4, "model.discriminator_width": 4, "hardware.precision": "fp32"}


def creatures(count: int, first: int = 0) -> list[np.ndarray]:
    return [draw(number, 16, 16)[..., :3] for number in range(first, first + count)]


def folder(path: Path, pictures: list[np.ndarray]) -> Path:
    path.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(path / f"{number:03}.png")
    return path


def trained(source: Path | str, out: Path, recipe: str = "d2l") -> Path:
    for _ in dcgan.train(source, recipe=recipe, size=16, out=out, budget="64", threads=1, settings=SETTINGS):
        pass
    return out


def judged(target: Path, **options: object) -> Evaluation:
    return evaluate(EvaluateOptions(target=str(target), samples=100, detectors=("second",), **options))


def measures(evaluation: Evaluation) -> set[str]:
    return {one.name.split("_second")[0] for one in evaluation.measurements}


ALL = {"fd", "kid", "precision", "recall", "density", "coverage", "diversity", "copies_ratio", "copies_suspects"}


@pytest.mark.parametrize("new", [0, 5], ids=["nothing", "five images"])
def test_a_reference_that_was_trained_on_but_for_a_few_images_is_measured_against_as_such(
    tmp_path: Path, new: int
) -> None:
    photos = folder(tmp_path / "photos", creatures(60))
    run = trained(photos, tmp_path / "run")
    reference = folder(tmp_path / "reference", creatures(60 + new))
    evaluation, plain = judged(run, reference=str(reference)), judged(run)
    assert any("trained on these images" in remark for remark in evaluation.remarks)
    assert [one.value for one in evaluation.measurements] == [one.value for one in plain.measurements]
    assert measures(evaluation) == ALL


def test_six_new_images_of_a_reference_are_enough_to_measure_against(tmp_path: Path) -> None:
    run = trained(folder(tmp_path / "photos", creatures(60)), tmp_path / "run")
    evaluation = judged(run, reference=str(folder(tmp_path / "reference", creatures(66))))
    assert {one.protocol.num_reference for one in evaluation.measurements if one.name.startswith("fd_")} == {6, 60}


@pytest.mark.parametrize(
    ("count", "missing"),
    [
        (2, ALL - {"fd", "diversity"}),
        (5, {"precision", "recall", "density", "coverage", "copies_ratio", "copies_suspects"}),
    ],
)
def test_of_few_real_images_only_what_they_allow_is_measured(tmp_path: Path, count: int, missing: set[str]) -> None:
    run = trained(folder(tmp_path / "few", creatures(count)), tmp_path / "run")
    evaluation = judged(run)
    assert measures(evaluation) == ALL - missing
    assert any(f"here are {count}" in remark for remark in evaluation.remarks)
    assert all(np.isfinite(one.value) for one in evaluation.measurements)
    assert (run / "evaluation.json").exists()


def test_images_made_by_others_are_measured_against_five_real_ones(tmp_path: Path) -> None:
    made, real = folder(tmp_path / "made", creatures(120, 500)), folder(tmp_path / "real", creatures(5))
    assert "fd" in measures(judged(made, reference=str(real), size="16"))


@pytest.mark.parametrize("kind", ["recoloured", "flat", "copied"])
def test_where_all_images_are_near_duplicates_copies_are_left_out_and_the_rest_is_measured(
    tmp_path: Path, kind: str
) -> None:
    one = creatures(1)[0]
    shape = (one.astype(int).sum(axis=2, keepdims=True) > 400).astype(np.uint8)
    pictures = {
        "recoloured": [shape * np.array([40 + 5 * number, 200, 90], dtype=np.uint8) for number in range(40)],
        "flat": [np.full((16, 16, 3), (2 * number, number, 255 - number), dtype=np.uint8) for number in range(40)],
        "copied": [one] * 40,
    }[kind]
    evaluation = judged(trained(folder(tmp_path / kind, pictures), tmp_path / "run"))
    assert any("near-duplicates of each other" in remark for remark in evaluation.remarks)
    assert measures(evaluation) >= {"fd", "kid", "precision", "recall"}
    assert not (tmp_path / "run" / "copies.png").exists()
    assert all(np.isfinite(one.value) for one in evaluation.measurements)
    json.loads((tmp_path / "run" / "evaluation.json").read_text(), parse_constant=pytest.fail)


class TestMovedImages:
    """A run that was trained on ``photos`` in its folder of that time."""

    @pytest.fixture
    def project(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder(tmp_path / "project" / "photos", creatures(20))
        monkeypatch.chdir(tmp_path / "project")
        trained("photos", Path("run"))
        monkeypatch.chdir(tmp_path)
        return Path("project")

    def test_a_relative_source_is_found_from_another_folder(self, project: Path) -> None:
        assert measures(judged(project / "run")) >= {"fd", "copies_ratio"}

    def test_a_run_and_its_images_are_found_after_they_moved_together(self, project: Path) -> None:
        project.rename("elsewhere")
        assert "copies_ratio" in measures(judged(Path("elsewhere/run")))

    def test_images_that_moved_are_asked_for_and_recognised_by_their_content(self, project: Path) -> None:
        (project / "photos").rename(project / "bilder")
        with pytest.raises(UserError, match=r"project/run: was trained on .*photos, .*--data"):
            judged(project / "run")
        assert "copies_ratio" in measures(judged(project / "run", data="project/bilder"))
        assert "copies_ratio" in measures(judged(project / "run", reference="project/bilder"))
        others = folder(Path("others"), creatures(20, 100))
        with pytest.raises(UserError, match="--data others: these are not the images"):
            judged(project / "run", data=str(others))

    def test_without_training_images_only_what_needs_them_is_left_out(self, project: Path) -> None:
        shutil.rmtree(project / "photos")
        evaluation = judged(project / "run", reference=str(folder(Path("others"), creatures(30, 100))))
        assert measures(evaluation) == ALL - {"copies_ratio", "copies_suspects"}
        assert {one.protocol.split for one in evaluation.measurements} == {"train"}
        assert any("left out" in remark for remark in evaluation.remarks)

    def test_another_folder_of_the_same_name_is_not_taken_for_the_images(self, project: Path) -> None:
        shutil.rmtree(project / "photos")
        folder(Path("photos"), creatures(20, 100))
        with pytest.raises(UserError, match="not, or no longer, the images"):
            judged(project / "run")

    def test_compare_finds_images_that_moved(
        self, project: Path, quick_trials: None, capfd: pytest.CaptureFixture[str]
    ) -> None:
        (project / "photos").rename("bilder")
        words = ["compare", "project/run", "--samples", "100", "--detector", "second", "--out", "cmp"]
        assert main(words) == 1
        assert "Say where they are with --data" in capfd.readouterr().err
        assert main([*words, "--data", "bilder"]) == 0


def test_a_mistyped_run_is_answered_by_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "config.toml").touch()
    with pytest.raises(UserError, match=r"no such run, folder or file\. Did you mean .*demo\?"):
        judged(tmp_path / "dmeo")
    with pytest.raises(UserError, match=r"folder of runs\. Name one of them: demo"):
        judged(tmp_path)


def test_a_sample_of_a_large_reference_has_its_size_in_the_name(tmp_path: Path) -> None:
    np.save(tmp_path / "many.npy", np.stack(creatures(1100)))
    run = trained(tmp_path / "many.npy", tmp_path / "run", recipe="modern")
    evaluation = judged(run, reference_images=200)
    names = {(one.name, one.protocol.split) for one in evaluation.measurements}
    assert {("fd_second_100_vs_200", "train"), ("kid_second_100", "held out")} <= names  # 110 are held out
    whole = {(one.name, one.protocol.split) for one in judged(run).measurements}
    assert ("fd_second_100", "train") in whole


def test_features_of_a_reference_are_shared_by_runs_on_the_same_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = folder(tmp_path / "photos", creatures(60))
    first, second = (trained(photos, tmp_path / name) for name in ("first", "second"))
    seen: list[tuple[int, int]] = []

    class Audience:
        def say(self, text: str) -> None: ...
        def prepare(self, done: int, total: int) -> None: ...
        def measure(self, done: int, total: int) -> None:
            seen.append((done, total))

    evaluate(EvaluateOptions(target=str(first), samples=100, detectors=("second",)), Audience())
    assert seen[-1] == (160, 160)
    monkeypatch.setattr("dcgan.evaluation.reals.pixels_of", lambda *_: pytest.fail("seen before"))
    evaluate(EvaluateOptions(target=str(second), samples=100, detectors=("second",)), Audience())
    assert seen[-1] == (160, 160)
    assert read_measures(second / "evaluation.json").rows


@pytest.mark.parametrize("count", [0, 1])
def test_an_array_with_fewer_than_two_training_images_is_refused_in_words(tmp_path: Path, count: int) -> None:
    pictures = np.stack(creatures(12))
    np.savez(tmp_path / "few.npz", x_train=pictures[:count], x_test=pictures[count:])
    with pytest.raises(UserError):
        trained(tmp_path / "few.npz", tmp_path / "run", recipe="modern")
