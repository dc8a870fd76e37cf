"""--vary becomes configs, and a config becomes the key of its result."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcgan.commands.comparing.variants import ADDED, combine, identity, parse_vary, without_address
from dcgan.errors import UserError
from dcgan.settings.config import Config, flatten
from dcgan.settings.recipes import recipe

word = st.text("abcdefghijklmnopqrstuvwxyz0123456789._", min_size=1, max_size=8)
space = st.sampled_from(["", " "])


@given(st.dictionaries(word, st.lists(word, min_size=1, max_size=4, unique=True), min_size=1, max_size=4), space)
def test_what_is_written_is_what_is_read(varied: dict[str, list[str]], gap: str) -> None:
    varied.pop("seed", None)
    text = f"{gap}|{gap}".join(f"{key}{gap}={gap}{f'{gap},{gap}'.join(values)}" for key, values in varied.items())
    if varied:
        assert parse_vary(text) == varied


@given(st.text("ab=,| ", max_size=12))
def test_any_text_is_read_or_refused_with_the_option_first(text: str) -> None:
    try:
        varied = parse_vary(text)
    except UserError as error:
        assert str(error).startswith("--vary")
    else:
        assert varied and all(key and values and all(values) for key, values in varied.items())


@pytest.mark.parametrize("text", ["", "recipe", "recipe=", "=1", "a=1|", "a=1,,2", "a=1|a=2", "a=1,1"])
def test_half_a_sentence_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--vary"):
        parse_vary(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [("seed=0,1", "--repeats"), ("training.budget=1min,2min", "--budget"), ("data.source=a,b", "--data")],
)
def test_what_has_an_option_of_its_own_is_referred_to_it(text: str, advice: str) -> None:
    with pytest.raises(UserError, match=advice):
        parse_vary(text)


def test_several_keys_are_all_combined_and_the_last_one_turns_fastest() -> None:
    found = combine("modern", {}, parse_vary("recipe=d2l,modern|model.negative_slope=0,0.2"))
    assert [variant.name for variant in found] == [
        "d2l, negative_slope=0", "d2l, negative_slope=0.2", "modern, negative_slope=0", "modern, negative_slope=0.2",
    ]  # fmt: skip
    assert [variant.config.training.batch_size for variant in found] == [256, 256, 32, 32]
    assert [variant.config.model.negative_slope for variant in found] == [0.0, 0.2, 0.0, 0.2]


def test_an_unknown_knob_names_the_nearest_and_a_bad_value_its_key() -> None:
    with pytest.raises(UserError, match=r"Did you mean model\.negative_slope"):
        combine("modern", {}, parse_vary("model.slope=0,0.2"))
    with pytest.raises(UserError, match=r"model\.negative_slope"):
        combine("modern", {}, parse_vary("model.negative_slope=0,steep"))
    with pytest.raises(UserError, match="no such recipe"):
        combine("modern", {}, parse_vary("recipe=modern,best"))


def test_recipes_are_compared_on_the_same_images() -> None:
    found = combine("modern", {"data.height": 32, "data.width": 32}, parse_vary("recipe=d2l,radford2015,modern"))
    assert len({variant.config.data for variant in found}) == 1
    assert found[0].config.data.held_out  # though the chapter holds nothing out
    assert [variant.config.recipe for variant in found] == ["d2l", "radford2015", "modern"]
    chapters = combine("d2l", {}, parse_vary("model.negative_slope=0,0.2"))
    assert {variant.config.data for variant in chapters} == {recipe("d2l").data}
    varied = combine("modern", {}, parse_vary("data.limit=100,200"))
    assert [variant.config.data.limit for variant in varied] == [100, 200]


def identity_of(knobs: dict, fingerprint: str) -> str:
    """The key by its definition: sorted JSON of what is on and reaches the weights, hashed."""
    out = {
        "recipe",
        "training.budget",
        "training.images_per_second",
        "training.replan",
        "hardware.device",
        "hardware.threads",
        "hardware.step",
        *ADDED,
    }
    kept = {
        key: value
        for key, value in knobs.items()
        if key not in out and value not in (None, False, 0, (), "", "none")
        and (not key.startswith("runs.") or "evaluation" in key)
    }  # fmt: skip
    words = json.dumps(kept | {"data.source": fingerprint}, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def planned(**changes: object) -> Config:
    return Config().asked({"training.images": 6400} | changes)


def test_a_key_is_the_same_for_what_reaches_no_weight() -> None:
    key = identity(planned(), "images")
    same = [
        {"runs.keep": 5}, {"data.source": "elsewhere/sprites.zip"}, {"training.budget": "6400"},
        {"hardware.threads": 7}, {"hardware.step": "eager"}, {"training.images_per_second": 12.5},
        {"training.replan": True},
        {"recipe": "of another name"},
    ]  # fmt: skip
    assert {identity(planned(**changes), "images") for changes in same} == {key}
    assert identity(planned(), "other images") != key


def test_how_images_would_be_augmented_counts_only_where_they_are() -> None:
    how = {"training.augmentation_strength": 0.15, "training.augmentation_schedule": "constant"}
    assert identity(planned(**how), "images") == identity(planned(), "images")
    moved = planned(**{"training.augmentation": ("translation",)})
    assert identity(moved.asked(how), "images") != identity(moved, "images") != identity(planned(), "images")
    undecided = recipe("modern")
    keys = {identity(config, "images", before_planning=True) for config in (undecided, undecided.asked(how))}
    assert len(keys) == 2, "as long as the rules may ask for augmentation, how it is done counts"


def test_a_key_is_another_for_whatever_reaches_the_weights() -> None:
    changes = [
        {}, {"seed": 1}, {"training.images": 6401}, {"model.negative_slope": 0}, {"data.held_out": False},
        {"training.average_half_life": None}, {"hardware.precision": "fp32"}, {"data.classes": ("3",)},
    ]  # fmt: skip
    keys = [identity(planned(**change), "images") for change in changes]
    assert len(set(keys)) == len(keys)


def test_a_knob_that_is_newer_than_the_results_changes_no_key_while_nothing_is_changed_by_it() -> None:
    config = planned()
    for key, value in ADDED.items():
        assert dict(flatten(config))[key] == value
        without = {name: leaf for name, leaf in flatten(config) if name != key}
        assert identity(config, "images") == identity_of(without, "images")


def test_how_often_the_journal_is_written_counts_only_where_a_guard_reads_it() -> None:
    every = {"runs.journal_every_images": 512}
    assert identity(planned(**every), "images") == identity(planned(), "images")
    guarded = planned(**{"training.guard": True})
    assert identity(guarded.asked(every), "images") != identity(guarded, "images") != identity(planned(), "images")


def test_the_plan_of_a_time_is_another_than_that_of_twice_the_time() -> None:
    plans = [
        identity(Config().asked({"training.budget": text}), "images", before_planning=True) for text in ("1min", "2min")
    ]
    assert plans[0] != plans[1]


def test_a_frozen_config_has_the_key_of_the_recipe_that_it_was_taken_from() -> None:
    frozen = recipe("d2l").asked({key: value for key, value in flatten(Config()) if not key.startswith("data.")})
    frozen = frozen.asked(dict(flatten(Config())) | {"training.images": 6400})
    assert identity(frozen, "images") == identity(planned(), "images")


def test_a_kept_config_does_not_say_where_the_images_lie() -> None:
    tables = without_address(planned(**{"data.source": "somewhere/secret/sprites.zip"}))
    assert tables["data"]["source"] == "sprites.zip"
    assert "secret" not in str(tables)
