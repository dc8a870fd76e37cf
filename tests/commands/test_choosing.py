"""What rules decide in a run and in a comparison: before step 0, once, and written down."""

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dcgan
from dcgan.commands.compare import ROUNDS, compare, existing
from dcgan.commands.measuring_options import CompareOptions
from dcgan.commands.options import TrainOptions
from dcgan.commands.train import Training, introduce, rehearse
from dcgan.data.sources.critters import draw
from dcgan.errors import UserError
from dcgan.interfaces.python import Silence
from dcgan.reporting.report import write_report
from dcgan.runs.folder import RunFolder
from dcgan.settings import rules
from dcgan.settings.config import Config, read_toml
from dcgan.settings.recipes import complete
from dcgan.settings.rules import Rule
from dcgan.training import fastest

SMALL = ("model.generator_width=4", "model.discriminator_width=4", "hardware.precision=fp32", "training.batch_size=8")
FEW = "training.augmentation=colour,translation,cutout"


def options(source: Path, **more: Any) -> TrainOptions:
    return TrainOptions(**{"source": str(source), "size": "16", "budget": "64", "threads": 1, "settings": SMALL} | more)


def written(out: Path) -> Config:
    return complete(read_toml(RunFolder(out).config))


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configs whose speed was measured: a hundred images a second, then 1 % less each time."""
    seen: list[Config] = []

    def measure(config: Config, device: object, seconds: float, best: float = 0.0) -> float:
        seen.append(config)
        return float(100.0 * 0.99 ** (len(seen) - 1))

    monkeypatch.setattr(fastest, "measure_speed", measure)
    return seen


def add_rule(monkeypatch: pytest.MonkeyPatch, when: dict[str, Any], settings: dict[str, Any]) -> None:
    monkeypatch.setattr(rules, "RULES", (*rules.RULES, Rule(when, settings, "of this test", "nowhere")))


@pytest.mark.parametrize("told", [False, True])
def test_classes_are_learned_unless_they_tell_nearly_all_of_an_image(told: bool, tmp_path: Path) -> None:
    labels = np.arange(1200) % 2
    noise = np.random.default_rng(0).integers(0, 100, (1200, 16, 16, 1))
    np.savez(tmp_path / "two.npz", images=(noise + (1 - told) * 100 * labels[:, None, None, None]).astype(np.uint8),
             labels=labels)  # fmt: skip
    with Training(options(tmp_path / "two.npz", out=str(tmp_path / "run")), Silence()) as training:
        assert training.config.data.labels is told


def test_a_run_says_why_writes_it_down_and_shows_it_in_its_report(critters_npy: Path, tmp_path: Path) -> None:
    with Training(options(critters_npy, out=str(tmp_path / "run")), Silence()) as training:
        said = list(introduce(training, verbose=True))
        assert list(islice(training.steps(), 1))
    assert any(
        line.startswith(FEW) and line.endswith("100 images are few, and soon learned by heart.") for line in said
    )
    assert not any("batch_size=8" in line for line in said), "that was asked for"
    config = written(tmp_path / "run")
    assert config.undecided == () and len(config.reasons) == 16
    assert config.training.augmentation_schedule == "adaptive"
    assert config.training.flip == "off", "a hundred images are too few to tell"
    assert any(line.startswith("training.flip: ") for line in config.reasons)
    page = write_report(RunFolder(tmp_path / "run")).read_text()
    assert f"Chosen {FEW}" in page
    with Training(options(critters_npy, out=str(tmp_path / "run")), Silence()) as training:
        list(islice(training.steps(), 1))
    again = [line for line in introduce(training) if line.startswith(FEW)]
    assert again == [], "it has begun, and was told then"


def test_classes_that_are_large_and_equal_are_learned_and_known_again(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    source, kinds = tmp_path / "kinds.npz", np.arange(1200) % 2
    images = generator.integers(0, 256, (1200, 16, 16, 1), dtype=np.uint8)
    np.savez(source, x_train=images, y_train=kinds, x_test=images[:2], y_test=kinds[:2])
    with Training(options(source, out=str(tmp_path / "run")), Silence()) as training:
        list(islice(training.steps(), 2))
    config = written(tmp_path / "run")
    assert config.data.labels and config.model.num_classes == 2
    assert any("data.labels=true" in line and "the 2 classes" in line for line in introduce_anew(source, tmp_path))
    with Training(options(source, out=str(tmp_path / "run")), Silence()) as training:
        assert training.session.state.images_seen == 16, "it goes on: the fingerprint has the labels in it"
    np.savez(source, x_train=images, y_train=1 - kinds, x_test=images[:2], y_test=kinds[:2])
    with (
        pytest.raises(UserError, match="these are not the images"),
        Training(options(source, out=str(tmp_path / "run")), Silence()),
    ):
        pass
    refusing = options(source, out=str(tmp_path / "other"), settings=(*SMALL, "data.labels=false"))
    with Training(refusing, Silence()) as training:
        assert training.config.model.num_classes == 0


def introduce_anew(source: Path, tmp_path: Path) -> list[str]:
    with Training(options(source, out=str(tmp_path / "another")), Silence()) as training:
        return list(introduce(training, verbose=True))


def test_a_rehearsal_says_the_same(critters_npy: Path) -> None:
    toml, lines = rehearse(options(critters_npy), Silence())
    assert 'augmentation_schedule = "adaptive"' in toml and "reasons = [" in toml and "undecided = []" in toml
    assert any(line.startswith(FEW) for line in lines)


def test_options_settings_files_and_keywords_are_all_asked_for(critters_npy: Path, tmp_path: Path) -> None:
    partial = tmp_path / "mine.toml"
    partial.write_text("[training]\nbeta1 = 0.4\naugmentation_strength = 0.7\n")
    runs = {
        "option": dcgan.train(critters_npy, size=16, out=tmp_path / "option", budget="64", width=4),
        "setting": dcgan.train(
            critters_npy, size=16, out=tmp_path / "setting", budget="64", settings={"training.augmentation": "cutout"}
        ),
        "file": dcgan.train(critters_npy, size=16, out=tmp_path / "file", budget="64", config=str(partial), width=4),
    }
    for steps in runs.values():
        list(islice(steps, 1))
        steps.close()
    assert written(tmp_path / "option").model.generator_width == 4
    assert written(tmp_path / "option").training.augmentation_strength == 0.3
    assert written(tmp_path / "setting").training.augmentation == ("cutout",)
    assert written(tmp_path / "file").training.augmentation_strength == 0.7
    assert written(tmp_path / "file").training.augmentation == ("colour", "translation", "cutout")


@pytest.mark.parametrize("name", ["d2l", "radford2015"])
def test_nothing_is_decided_for_another_recipe(name: str, critters_npy: Path, tmp_path: Path) -> None:
    list(islice(dcgan.train(critters_npy, recipe=name, size=16, out=tmp_path, budget="64", width=4), 1))
    config = written(tmp_path)
    assert config.reasons == () and config.training.augmentation == () and config.training.flip == "off"


@pytest.mark.parametrize("threads", [1, 2])
def test_speeds_are_measured_with_the_threads_of_the_run(
    threads: int, critters_npy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = list[int]()

    def measure(*_: object, **__: object) -> float:
        found.append(torch.get_num_threads())
        return 100.0

    monkeypatch.setattr(fastest, "measure_speed", measure)
    torch.set_num_threads(3 - threads)
    rehearse(options(critters_npy, budget="10s", threads=threads), Silence())
    assert set(found) == {threads}


def test_no_speed_is_measured_for_rules_unless_one_asks_for_it(
    critters_npy: Path, measured: list[Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    unasking = [rule for rule in rules.RULES if not rules.MEASURED & rule.when.keys()]
    monkeypatch.setattr(rules, "RULES", unasking)
    rehearse(options(critters_npy, budget="10s"), Silence())
    assert len(measured) == 1, "of the run's own networks"
    add_rule(monkeypatch, {"images": (512, 2048)}, {"training.flip": "on"})
    toml, _ = rehearse(options(critters_npy, budget="10s"), Silence())
    assert [config.model.generator_width for config in measured[1:]] == [64, 4], "the usual networks, then its own"
    assert 'flip = "on"' in toml
    assert measured[1].model.image_channels == 3 and measured[1].training == Config().training
    toml, _ = rehearse(options(critters_npy, budget="4000"), Silence())
    assert 'flip = "off"' in toml
    assert [config.model.generator_width for config in measured[3:]] == [4], "a number of images says it by itself"
    toml, _ = rehearse(options(critters_npy, budget="7epochs"), Silence())
    assert 'flip = "on"' in toml, "700 images"


@pytest.fixture
def creatures(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "creatures.npy"
    np.save(path, np.stack([draw(number, 16, 16)[..., :3] for number in range(20)]))
    return path


def test_a_comparison_decides_once_for_all_its_variants_and_later_calls(
    creatures: Path, tmp_path: Path, measured: list[Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The speed lies on the edge of two bins: what is measured 1 % lower would be decided otherwise."""
    add_rule(monkeypatch, {"images": (1024, math.inf)}, {"training.flip": "on"})
    monkeypatch.setattr(fastest, "SPEED_SECONDS", 0.0)

    def ask(vary: str) -> dict[str, Config]:
        wanted = CompareOptions(
            source=str(creatures), size="16", threads=1, repeats=1, samples=0, settings=SMALL, vary=vary,
            out=str(tmp_path / "out"), budget="7.4s",
        )  # fmt: skip
        return {column.name: column.trials[0].config for column in compare(wanted, Silence()).columns}

    two = ask("recipe=modern,d2l|model.negative_slope=0,0.2")
    assert [config.training.flip for config in two.values()] == ["on", "on", "off", "off"]
    assert [bool(config.training.augmentation) for config in two.values()] == [True, True, False, False]
    assert all(config.undecided == () for config in two.values())
    assert [config.model.generator_width for config in measured].count(64) == ROUNDS
    three = ask("recipe=modern,d2l|model.negative_slope=0,0.2,0.1")
    assert three["modern, negative_slope=0.1"].training.flip == "on"
    assert {name: config for name, config in three.items() if name in two} == two
    assert [config.model.generator_width for config in measured].count(64) == ROUNDS
    explicit = ask("training.flip=off,on")
    assert [config.training.flip for config in explicit.values()] == ["off", "on"]


def test_no_rule_decides_about_a_knob_that_is_newer_than_the_run(critters_npy: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with Training(options(critters_npy, out=str(out)), Silence()) as training:
        list(islice(training.steps(), 1))
    path = RunFolder(out).config
    path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("guard = ")))
    with Training(options(critters_npy, out=str(out)), Silence()) as training:
        assert training.config.undecided == () and not training.config.training.guard
    assert existing(str(out)).trials[0].config.undecided == ()


def test_rules_decide_about_networks_and_training_and_not_about_images_disk_or_machine() -> None:
    decided = {key for key in rules.settings_of_rules() if key != "data.labels"}  # which images there are it leaves
    assert {key.partition(".")[0] for key in decided} <= {"model", "training"}
