"""The facts of a checkpoint by themselves: what any version writes is read, everything else is refused by its name."""

import json
from pathlib import Path
from typing import Any

import pytest

from dcgan.errors import ExitCode, UserError
from dcgan.runs.facts import FORMAT, parse_config, parse_facts
from dcgan.settings.config import to_tables
from dcgan.settings.recipes import recipe

PATH = Path("checkpoint.safetensors")
GOOD: dict[str, Any] = {
    "format": FORMAT, "images_seen": 8, "attempt": 0, "seconds": 1.5, "epoch_seconds": 0.0, "config": {},
    "class_names": ["cat", "dog"], "bits": 8, "fingerprint": "none",
}  # fmt: skip


def test_good_facts_come_back_as_they_were_with_those_that_nobody_knows() -> None:
    facts = GOOD | {"later": [1, {"a": None}]}
    assert parse_facts(PATH, json.dumps(facts)) == facts


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("images_seen", -1), ("images_seen", 1.5), ("images_seen", True), ("images_seen", "8"), ("attempt", None),
        ("seconds", -1), ("seconds", "1"), ("seconds", 10**400), ("epoch_seconds", [1]), ("config", []),
        ("class_names", "cat"), ("class_names", [1]), ("bits", 12), ("bits", "8"), ("fingerprint", 7),
    ],
)  # fmt: skip
def test_a_fact_of_another_kind_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(UserError, match=rf"checkpoint\.safetensors.*{name} is") as error:
        parse_facts(PATH, json.dumps(GOOD | {name: value}))
    assert error.value.exit_code == ExitCode.CHECKPOINT


@pytest.mark.parametrize("name", [name for name in GOOD if name != "format"])
def test_a_fact_that_is_missing_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is None"):
        parse_facts(PATH, json.dumps({key: value for key, value in GOOD.items() if key != name}))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", '{"format": NaN}', '{"a": 1, "a": 2}'])
def test_what_is_no_table_of_facts_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"checkpoint\.safetensors"):
        parse_facts(PATH, text)


def test_a_later_format_is_refused_with_both_numbers() -> None:
    with pytest.raises(UserError, match=rf"format {FORMAT + 1}, this version reads .*{FORMAT}"):
        parse_facts(PATH, json.dumps(GOOD | {"format": FORMAT + 1}))


def test_a_config_that_leaves_open_what_a_trained_network_knows_is_refused() -> None:
    config = to_tables(recipe("d2l"))
    with pytest.raises(UserError, match=r"leaves model\.image_channels or model\.num_classes open"):
        parse_config(PATH, {"config": config})
