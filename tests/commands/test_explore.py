"""Explore by its commands: pictures and JSON files in the run, the same from Python, and latents drawn again."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dcgan
from dcgan.errors import ExitCode, UserError
from dcgan.interfaces.cli import main
from dcgan.runs.folder import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 64 images of 16 x 16: its pictures are noise, its files are whole."""
    root = tmp_path_factory.mktemp("explore")
    rng = np.random.default_rng(0)
    np.save(root / "images.npy", rng.integers(0, 256, (120, 16, 16, 3), dtype=np.uint8))
    words = (
        f"train {root / 'images.npy'} --size 16 --width 8 --budget 64 --threads 1 --precision fp32 --out {root / 'run'}"
    )
    words += " --set runs.evaluations=0 --set model.latent_size=6"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DCGAN_CACHE", str(root / "cache"))
        assert main(words.split()) == 0
    return root / "run"


def facts(run: Path, name: str) -> dict:
    return json.loads((RunFolder(run).exploration / f"{name}.json").read_text())


def test_a_walk_leaves_a_film_a_strip_and_its_latents(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "walk", str(run), "--seeds", "3,17,40", "--frames", "12", "--loop"]) == 0
    folder = RunFolder(run).exploration
    with Image.open(folder / "walk.gif") as film:
        assert film.is_animated
    assert (folder / facts(run, "walk")["picture"]).is_file()
    assert np.array(facts(run, "walk")["latents"]).shape == (12, 6)
    assert str(folder / "walk.gif") in capsys.readouterr().out


@pytest.mark.promise("What dcgan explore shows can be drawn again from its file: dcgan sample RUN --latents FILE.")
def test_the_latents_of_an_exploration_are_drawn_again(run: Path, tmp_path: Path) -> None:
    result = dcgan.explore.walk(run, seeds=[1, 2], frames=3, pace="latent", out=tmp_path / "walk.png")
    assert main(["sample", str(run), "--latents", str(result.facts), "--out", str(tmp_path / "new")]) == 0
    shown = np.asarray(Image.open(result.picture))[:, :16]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "latent_00000.png")), shown)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "latent_00000.png")), seed_image(run, 1))


def seed_image(run: Path, seed: int) -> np.ndarray:
    return dcgan.load(run).sample([seed])[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["nonsense"], "no such method"),
        (["walk", "RUN", "--seeds", "1"], "Expected at least 2"),
        (["walk", "RUN", "--seeds", "a"], "--seeds a: must be"),
        (["walk", "RUN", "--frames", "1"], "--frames 1: must be"),
        (["walk", "RUN", "--out", "walk.avi"], r"must end in .gif or .mp4 or .png"),
        (["walk", "RUN", "--pace", "nobody"], "no such detector"),
        (["walk", "RUN", "--label", "cat"], "knows no classes"),
        (["walk", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    run: Path, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", *(str(run) if word == "RUN" else word for word in words)]) in (2, ExitCode.CHECKPOINT)
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1


def test_seeds_from_python_are_checked_as_well(run: Path) -> None:
    with pytest.raises(UserError, match="must be numbers from 0"):
        dcgan.explore.walk(run, seeds=[-1, 2])


def test_a_label_and_latents_cannot_both_be_asked_for(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(run), "--label", "cat", "--latents", "x.json"]) == 2
    assert "give one of them" in capsys.readouterr().err


def test_arithmetic_draws_its_terms_and_keeps_the_result_first(run: Path) -> None:
    result = dcgan.explore.arithmetic(run, "1,2,3 - 4,5,6 + 7,8,9")
    assert result.points is not None
    assert len(result.points) == 1 + 8 + 3
    assert facts(run, "arithmetic")["expression"] == "1,2,3 - 4,5,6 + 7,8,9"
    assert result.picture.is_file()


def test_directions_are_kept_in_the_form_that_other_programs_read(run: Path) -> None:
    dcgan.explore.directions(run, methods="effect,attributes,sefa,pca", count=2)
    kept = json.loads(RunFolder(run).directions.read_text())
    assert kept["latent_size"] == 6
    assert len({direction["name"] for direction in kept["directions"]}) == len(kept["directions"]) >= 6
    for direction in kept["directions"]:
        assert np.linalg.norm(direction["vector"]) == pytest.approx(1, abs=1e-6)
        assert direction["range"] == [-3, 3]
        assert all(isinstance(change, float) for change in direction["effect"].values())


def test_directions_towards_classes_need_images_with_classes(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "directions", str(run), "--methods", "classes"]) == 2
    assert "have no classes" in capsys.readouterr().err


def test_a_users_own_function_is_found_on_the_path_or_told(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own_answers.py").write_text("def is_bright(picture):\n    return picture[0, 0, 0] > 128\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["explore", "directions", str(run), "--methods", "sefa", "--count", "1", "--by"]
    assert main([*words, "own_answers:is_bright"]) == 0
    assert "is_bright" in [direction["name"] for direction in facts(run, "directions")["directions"]]
    assert main([*words, "own_answers:nothing"]) == 2
    assert "no function nothing" in capsys.readouterr().err


def test_an_image_that_the_run_drew_is_found_again_beside_training_images(run: Path, tmp_path: Path) -> None:
    assert main(["sample", str(run), "--seeds", "5", "--out", str(tmp_path)]) == 0
    result = dcgan.explore.find(run, (str(tmp_path / "seed_00005.png"),), steps=20, starts=2)
    assert result.found["decibels"]["yours"][0] > 30
    assert set(result.found["decibels"]) == {"yours", "training"}
    assert result.points is not None
    assert len(result.points) == len(facts(run, "find")["latents"]) == 17


def test_a_file_that_is_no_image_is_told(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.png").write_bytes(b"no image")
    assert main(["explore", "find", str(run), str(tmp_path / "x.png")]) == ExitCode.DATA
    assert "x.png: " in capsys.readouterr().err


def test_neighbours_are_the_training_images_themselves_where_a_sample_is_one(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from dcgan.runs.generator import TrainedGenerator

    images = torch.from_numpy(np.load(run.parent / "images.npy")).permute(0, 3, 1, 2)
    monkeypatch.setattr(TrainedGenerator, "decode", lambda self, latents, labels=None: images[: len(latents)])
    found = dcgan.explore.neighbours(run, seeds=[0, 1, 2]).found["neighbours"]
    assert set(found) == {"tiny", "second"}
    for each in found.values():
        assert max(row[0] for row in each["distances"]) < 1e-4


def test_failures_name_the_training_images_that_are_not_drawn(run: Path) -> None:
    result = dcgan.explore.failures(run, samples=100)
    assert result.picture.is_file()
    names = [name for group in result.found["not_drawn"] for name in group]
    assert len(names) == len(set(names)) == 64
    assert 0 <= result.found["uncovered"] <= 1


def test_a_method_that_needs_the_training_images_says_so_when_they_are_gone(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = run.parent / "images.npy"
    images.rename(images.with_suffix(".gone"))
    try:
        assert main(["explore", "neighbours", str(run)]) != 0
        assert "needs the images that it was trained on" in capsys.readouterr().err
    finally:
        images.with_suffix(".gone").rename(images)


def test_units_are_on_one_page_and_the_report_of_the_run_shows_it(run: Path) -> None:
    result = dcgan.explore.units(run, samples=16)
    assert {unit["layer"] for unit in result.found["units"]} == {1, 2}
    assert "What its units draw" in RunFolder(run).report.read_text()


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 60 images each: noise, and darker noise."""
    root = tmp_path_factory.mktemp("labelled")
    rng = np.random.default_rng(1)
    for name, most in (("bright", 256), ("dark", 128)):
        (root / name).mkdir()
        for number in range(60):
            picture = rng.integers(0, most, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(picture).save(root / name / f"{number}.png")
    return root


def test_a_probe_tells_easy_classes_apart_and_says_what_the_number_means(run: Path, labelled: Path) -> None:
    result = dcgan.explore.probe(run, data=labelled, labels=20, draws=2)
    assert set(result.found["accuracy"]) == {"discriminator", "random", "pixels", "tiny"}
    assert result.found["accuracy"]["pixels"]["mean"] > 0.7
    assert result.found["classes"] == ["bright", "dark"]
    assert any("says nothing about how good" in line for line in result.words)
    assert "What the discriminator knows" in RunFolder(run).report.read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "has no classes"),
        (["--data", "LABELLED"], "--labels 1000: 500 of each of 2 classes, and of one class there are"),
        (["--data", "LABELLED", "--beside", "cats"], "no such comparison cats"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_a_probe_of_what_cannot_be_probed_is_refused_in_one_line(
    run: Path, labelled: Path, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "probe", str(run), *(str(labelled) if word == "LABELLED" else word for word in words)]) != 0
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1


def test_a_probe_needs_the_network_that_judged(run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["export", str(run), "--to", "hub", "--out", str(tmp_path / "alone")]) == 0
    capsys.readouterr()
    assert main(["explore", "probe", str(tmp_path / "alone")]) != 0
    assert "holds no discriminator" in capsys.readouterr().err


def test_a_colour_is_forgotten_and_the_file_says_by_which_maps(run: Path) -> None:
    red, green, blue = (int(level) for level in seed_image(run, 0)[4, 4])
    colour = f"#{red:02x}{green:02x}{blue:02x}"
    result = dcgan.explore.forget(run, colour=colour, tolerance=5, layer=2, samples=32, seeds=[0, 1], maps=3)
    assert 1 <= len(result.found["maps"]) <= 3
    assert result.found["layer"] == 2
    assert 0 < result.found["covered"] < 1
    assert "Forgetting" in RunFolder(run).report.read_text()


def test_boxes_on_a_few_samples_say_what_to_forget(run: Path) -> None:
    assert main(["explore", "forget", str(run), "--box", "0:2,2,9,9", "--box", "1:0,0,8,8", "--seeds", "0"]) == 0
    assert "covered_without" not in facts(run, "forget")
    assert facts(run, "forget")["maps"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "say what to forget, by --colour or by --box"),
        (["--colour", "red"], "--colour red: must be white, black, grey or six"),
        (["--colour", "#123456", "--tolerance", "0"], "--colour #123456: in none of the samples"),
        (["--box", "1:9,9,2,2"], "must be SEED:LEFT,TOP,RIGHT,BOTTOM"),
        (["--box", "1:0,0,99,99"], "--box: in none of the samples, or everywhere"),
        (["--colour", "grey", "--layer", "7"], "--layer 7: must be 1 … 2"),
    ],
)
def test_a_thing_that_cannot_be_forgotten_is_told_in_one_line(
    run: Path, words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "forget", str(run), *words]) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert told.count("\n") == 1
