"""Rules decide what nobody asked for, and nothing else."""

import math
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan.errors import UserError
from dcgan.settings import rules as rule_page
from dcgan.settings.config import Config, flatten
from dcgan.settings.recipes import recipe
from dcgan.settings.rules import Facts, Rule, asks_for_speed, coarse, decisions, explain, operations_per_image

FACTS: dict[str, Any] = {
    "height": 32, "width": 32, "channels": 3, "num_images": 40_000, "device": "cpu", "reach": 1e5,
    "num_classes": 0, "class_sizes": (0, 0), "class_share": 0.0,
}  # fmt: skip
ASKED = {
    "model.generator_width": 24, "training.batch_size": 48, "training.flip": "on", "training.augmentation": ("cutout",),
    "training.generator_learning_rate": 1e-3, "training.augmentation_strength": 0.1, "training.objective": "hinge",
}  # fmt: skip


def chosen(config: Config | None = None, **facts: Any) -> Config:
    config = config or recipe("modern")
    return config.decided(*decisions(config, Facts(**FACTS | facts)))


@pytest.mark.parametrize(
    ("height", "reach", "widths"),
    [(32, 0.0, (32, 16)), (63, 92_000.0, (32, 16)), (63, 93_000.0, (64, 32)), (63, 2e6, (64, 32)),
     (64, 1e5, (32, 16)), (256, 370_000.0, (32, 16)), (64, 371_000.0, (64, 32)), (64, 2e6, (64, 32))],
)  # fmt: skip
def test_both_networks_are_half_as_wide_while_time_is_short(height: int, reach: float, widths: tuple[int, int]) -> None:
    model = chosen(height=height, reach=reach).model
    assert (model.generator_width, model.discriminator_width) == widths


@pytest.mark.parametrize(("height", "num_images", "width"), [(32, 32_000, 32), (32, 31_500, 64), (64, 31_500, 32)])
def test_below_64x64_they_are_so_only_where_each_image_is_seen_a_few_times(
    height: int, num_images: int, width: int
) -> None:
    assert chosen(height=height, reach=9e4, num_images=num_images).model.generator_width == width


PENALISED = {
    "model.discriminator_norm": False, "training.objective": "relativistic", "training.real_penalty": 1.0,
    "training.fake_penalty": 1.0, "training.beta1": 0.0, "training.beta2": 0.99,
    "training.generator_learning_rate": 2e-3, "training.discriminator_learning_rate": 2e-3,
    "training.learning_rate_schedule": "linear",
}  # fmt: skip


def test_a_penalty_takes_the_place_of_normalisation_unless_normalisation_is_asked_for() -> None:
    assert flatten_of(chosen(), PENALISED) == PENALISED
    for asked in ({"model.discriminator_norm": True}, {"model.discriminator_bias": True}):
        normalised = chosen(recipe("modern").asked(asked))
        assert flatten_of(normalised, PENALISED) == flatten_of(Config(), PENALISED)


@pytest.mark.parametrize(
    "asked", [{"model.family": "residual"}, {"model.spectral_norm": True}, {"training.real_penalty": 0.25}]
)
def test_what_goes_with_no_normalisation_only_can_be_asked_for_without_a_word_on_it(asked: dict[str, Any]) -> None:
    config = chosen(recipe("modern").asked(asked))
    assert not config.model.discriminator_norm
    assert flatten_of(config, asked) == asked


@pytest.mark.parametrize(
    "other", [{"training.real_penalty": 0.25}, {"model.spectral_norm": True}, {"model.family": "residual"}]
)
def test_what_contradicts_itself_whatever_the_rules_say_is_refused_at_once(other: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"model\.discriminator_norm = True: must be false"):
        recipe("modern").asked({"model.discriminator_bias": True, **other})


@pytest.mark.parametrize(
    ("height", "reach", "rate"),
    [(63, 1e5, 2e-3), (63, 370_000.0, 2e-3), (63, 371_000.0, 5e-4), (63, 2e6, 5e-4),
     (64, 185_000.0, 2e-3), (64, 186_000.0, 1e-3), (64, 370_000.0, 1e-3), (64, 371_000.0, 5e-4)],
)  # fmt: skip
def test_long_runs_learn_slowly(height: int, reach: float, rate: float) -> None:
    training = chosen(height=height, reach=reach).training
    assert (training.generator_learning_rate, training.discriminator_learning_rate) == (rate, rate)


def flatten_of(config: Config, keys: Iterable[str]) -> dict[str, Any]:
    flat = dict(flatten(config))
    return {key: flat[key] for key in keys}


def test_a_gpu_takes_larger_batches_through_wider_networks() -> None:
    settings = {
        "model.generator_width": 128, "model.discriminator_width": 64, "training.batch_size": 128,
        "training.generator_learning_rate": 4e-4, "training.discriminator_learning_rate": 4e-4,
    }  # fmt: skip
    assert flatten_of(chosen(device="cuda"), settings) == settings
    assert flatten_of(chosen(), settings) != settings


@pytest.mark.parametrize(
    ("num_classes", "class_sizes", "learned"),
    [(0, (0, 0), False), (10, (5500, 5500), True), (10, (500, 749), True), (10, (499, 600), False),
     (10, (500, 750), False), (1, (5500, 5500), False), (101, (500, 500), False)],
)  # fmt: skip
def test_labels_are_learned_where_classes_are_few_large_and_equal_and_images_small(
    num_classes: int, class_sizes: tuple[int, int], learned: bool
) -> None:
    assert chosen(num_classes=num_classes, class_sizes=class_sizes).data.labels is learned
    assert not chosen(height=64, num_classes=num_classes, class_sizes=class_sizes).data.labels
    asked = recipe("modern").asked({"data.labels": not learned})
    assert chosen(asked, num_classes=num_classes, class_sizes=class_sizes).data.labels is not learned


@pytest.mark.parametrize(("share", "learned"), [(0.0, True), (0.59, True), (0.6, False), (1.0, False)])
def test_labels_are_not_learned_where_they_tell_most_of_an_image(share: float, learned: bool) -> None:
    assert chosen(num_classes=10, class_sizes=(5500, 5500), class_share=share).data.labels is learned


def test_only_few_images_are_augmented_as_they_need_however_long_the_run() -> None:
    many, few = chosen(num_images=40_000), chosen(num_images=4999, height=64)
    usual = {"training.flip": "auto", "training.guard": True, "model.statistics_batches": 16, **PENALISED}
    assert many == Config().asked({**usual, "model.discriminator_width": 32, "reasons": many.reasons})
    assert chosen(num_images=5000, height=64).training.augmentation == ()
    for num_images, reach, height in ((60_000, 1e6, 64), (10_000, 7e5, 32), (60_000, 1e7, 32)):
        assert chosen(num_images=num_images, reach=reach, height=height).training.augmentation == ()
    assert few.training.augmentation == ("colour", "translation", "cutout")
    assert few.training.augmentation_schedule == "adaptive"
    assert "training.augmentation: 4,999 images are few, and soon learned by heart" in few.reasons


@given(keys=st.sets(st.sampled_from(sorted(ASKED))), num_images=st.sampled_from([500, 50_000]))
def test_what_was_asked_for_stays_and_the_rest_is_decided_as_without(keys: set[str], num_images: int) -> None:
    asked = {key: ASKED[key] for key in keys}
    config = dict(flatten(chosen(recipe("modern").asked(asked), num_images=num_images)))
    alone = dict(flatten(chosen(num_images=num_images)))
    assert config.pop("undecided") == ()
    assert {line.partition(":")[0] for line in config.pop("reasons")}.isdisjoint(keys)
    assert config == {key: asked.get(key, value) for key, value in alone.items() if key in config}


@pytest.mark.parametrize("name", ["d2l", "radford2015"])
def test_no_rule_touches_another_recipe(name: str) -> None:
    assert recipe(name).undecided == ()
    assert chosen(recipe(name), num_images=10) == recipe(name)


def test_without_anything_undecided_no_rule_decides() -> None:
    closed = recipe("modern").asked({"undecided": ""})
    assert chosen(closed, num_images=10) == closed == Config()


def test_a_setting_that_is_no_setting_cannot_be_undecided() -> None:
    with pytest.raises(UserError, match=r"undecided = training\.slope: no such setting"):
        Config().asked({"undecided": "training.slope"})


def ruled(monkeypatch: pytest.MonkeyPatch, *rules: tuple[Any, Any]) -> Config:
    """Defaults of which just these rules decide."""
    monkeypatch.setattr(
        rule_page, "RULES", [Rule(when, settings, str(index), "") for index, (when, settings) in enumerate(rules)]
    )
    return Config(undecided=rule_page.settings_of_rules())


def test_the_last_rule_that_holds_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ruled(
        monkeypatch,
        ({}, {"training.batch_size": 16, "training.beta1": 0.1}),
        ({"num_images": (0, 100)}, {"training.batch_size": 64}),
        ({"num_images": (0, 1000), "device": "cuda"}, {"training.batch_size": 128}),
    )
    assert [chosen(config, num_images=n).training.batch_size for n in (99, 100)] == [64, 16]
    fast = chosen(config, num_images=99, device="cuda")
    assert fast.reasons == ("training.batch_size: 2", "training.beta1: 0")


def test_a_rule_that_contradicts_what_was_asked_for_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    penalty = {"training.real_penalty": 1.0, "model.discriminator_norm": False}
    config = ruled(monkeypatch, ({}, {"training.batch_size": 16}), ({}, penalty), ({}, {"training.beta1": 0.1}))
    assert chosen(config).training.real_penalty == 1.0
    kept = chosen(config.asked({"model.discriminator_norm": True}))
    assert (kept.training.real_penalty, kept.model.discriminator_norm) == (0.0, True)
    assert (kept.training.batch_size, kept.training.beta1) == (16, 0.1)
    assert [line.partition(":")[0] for line in kept.reasons] == ["training.batch_size", "training.beta1"]


@pytest.mark.parametrize("fact", ["images", "epochs", "operations"])
def test_the_speed_matters_only_to_rules_about_what_is_undecided(fact: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ruled(monkeypatch, ({"num_images": (0, 9)}, {"training.beta1": 0.1}), ({fact: (0, 9)}, {"seed": 3}))
    assert asks_for_speed(config)
    assert not asks_for_speed(config.asked({"seed": 5}))
    assert not asks_for_speed(ruled(monkeypatch, ({"num_images": (0, 9)}, {"training.beta1": 0.1})))


@given(value=st.floats(1, 1e20), base=st.sampled_from([2, 4]), noise=st.floats(0.9, 1.1))
def test_a_number_is_rounded_to_the_nearest_power_and_noise_moves_it_by_one_at_most(
    value: float, base: int, noise: float
) -> None:
    rounded = coarse(value, base)
    assert math.log2(rounded) % math.log2(base) == 0
    assert base**-0.5 <= rounded / value * (1 + 1e-9) and rounded / value <= base**0.5 * (1 + 1e-9)
    assert coarse(value * noise, base) / rounded in (1 / base, 1, base)
    assert coarse(rounded * noise, base) == rounded


def test_how_far_a_budget_reaches_in_three_units() -> None:
    facts = Facts(**FACTS | {"height": 64, "width": 64, "num_images": 1000, "reach": 120_000.0})
    assert (facts.images, facts.epochs) == (2**17, 2**7)
    assert facts.operations == 4**24  # 2.29e9 an image: 2.75e14, and 4**24 is 2.81e14
    assert Facts(**FACTS | {"reach": 0.0}).operations == 0


@pytest.mark.parametrize(("size", "channels"), [(16, 1), (28, 1), (32, 3), (64, 3), (96, 3), (128, 4)])
def test_operations_are_those_that_the_benchmarks_count_layer_by_layer(size: int, channels: int) -> None:
    from benchmarks.speed import cases

    case = cases._case("", "modern", size=size, channels=channels, picture_size=size)
    counted = cases.operations_per_image(case)
    assert 0.97 * counted < operations_per_image(size, size, channels) <= counted


def test_reasons_are_told_in_one_line_each_with_the_settings_as_they_are_set() -> None:
    lines = explain(dict(flatten(chosen(num_images=900))))
    assert len(lines) == 7
    assert lines[0].startswith("model.generator_width=64, training.batch_size=32, ")
    assert lines[1].startswith("model.discriminator_width=32: ")
    assert lines[2].startswith("model.statistics_batches=16: ")
    assert lines[3].startswith("model.discriminator_norm=false, training.objective=relativistic, ")
    assert lines[4].startswith("training.flip=auto: ")
    assert lines[5].startswith("training.guard=true: ")
    assert lines[6].startswith("training.augmentation=colour,translation,cutout, ")
