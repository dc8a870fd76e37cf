"""What is compared: ``recipe=d2l,modern|model.negative_slope=0,0.2`` → a config for each combination."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcgan.errors import UserError
from dcgan.settings.config import Config, flatten, to_tables
from dcgan.settings.recipes import recipe
from dcgan.settings.rules import RULES
from dcgan.wording import last_name

OFF = (None, False, 0, (), "", "none")
"""What a knob is when it does nothing. It stays out of the hash, so that a new knob that is off changes none."""
ADDED = {
    "runs.evaluations": 10, "runs.evaluation_samples": 1000, "runs.journal_every_images": 1024, "hardware.step": "auto",
    "data.bits": "auto",
    "model.norm_statistics": "forward", "training.adam": "torch", "training.shards": 1,
}  # fmt: skip
"""Knobs that reach a result and are newer than the first kept ones, and what they were before there was a choice: that
too stays out of the hash. Add a knob here when its neutral value is none of ``OFF``; take none away."""
FIRST_NAMES = {"undecided": "open"}
"""What settings were called when the first results were kept: the hash goes by these names."""
SAID_ELSEWHERE = {
    "seed": "--repeats N compares the seeds 0 … N-1",
    "data.source": "compare on one source at a time (--data)",
    "training.budget": "all have the same (--budget)",
    "training.images": "all have the same budget (--budget)",
    "training.images_per_second": "it is measured",
    "training.replan": "a comparison trains each run for the images that were planned",
}
WITHOUT_EFFECT = (
    "recipe", "reasons", "training.budget", "training.images_per_second", "hardware.device", "hardware.threads",
    "hardware.step", "training.replan",
)  # fmt: skip
"""Settings that reach no weight by more than rounding once the number of images is known; and all of ``runs`` but how
often a run is measured, since that decides which of its checkpoints is the best one, and what its guard hears."""


@dataclass(frozen=True)
class Variant:
    """One of the things compared: a config, but for its seed."""

    name: str
    config: Config


def parse_vary(text: str) -> dict[str, list[str]]:
    """``"a=1,2|b=x,y"`` → ``{"a": ["1", "2"], "b": ["x", "y"]}``; whether there are such knobs is not asked here.

    Raises:
        UserError: Not of this form, or something is there twice.
    """
    varied: dict[str, list[str]] = {}
    for part in text.split("|"):
        key, _, words = part.partition("=")
        key, values = key.strip(), [value.strip() for value in words.split(",")]
        if not key or not all(values):
            example = '"recipe=d2l,modern|model.negative_slope=0,0.2"'
            raise UserError(f"--vary {text}: must be KEY=VALUE,VALUE, several keys separated by |, such as {example}.")
        if key in SAID_ELSEWHERE:
            raise UserError(f"--vary {key}: {SAID_ELSEWHERE[key]}.")
        if key in varied or len(set(values)) < len(values):
            raise UserError(f"--vary {text}: {key} has something twice.")
        varied[key] = values
    return varied


def combine(base: str, changes: Mapping[str, Any], varied: Mapping[str, list[str]]) -> list[Variant]:
    """Every combination of the varied values upon a recipe and changes to it, the last key turning fastest.

    Raises:
        UserError: No such knob (names the nearest), a value that it does not take, or values that contradict others.
    """
    variants = []
    for values in itertools.product(*varied.values()):
        turned = dict(zip(varied, values, strict=True))
        words = [value if key == "recipe" else f"{key.rpartition('.')[2]}={value}" for key, value in turned.items()]
        name = turned.pop("recipe", base)
        variants.append(Variant(", ".join(words) or name, on_images_of(base, name, changes, turned)))
    return variants


def on_images_of(base: str, name: str, *changes: Mapping[str, Any]) -> Config:
    """A recipe's networks and training on the images of another: all that is compared learns from the same ones.

    Args:
        base: The recipe that says how images are prepared and held out.
        name: The recipe for all the rest.
        changes: What is turned thereafter, one after the other; they may change the images too.

    Raises:
        UserError: As ``Config.asked``.
    """
    images = {key: value for key, value in flatten(recipe(base)) if key.startswith("data.") and key != "data.labels"}
    config = recipe(name).asked(images)
    for turned in changes:
        config = config.asked(turned)
    return config


def identity(config: Config, fingerprint: str, *, before_planning: bool = False) -> str:
    """A hash of what decides a result: every knob that reaches the weights, and the images by their content.

    Args:
        config: With its seed and its number of images, unless ``before_planning``.
        fingerprint: Of the prepared images, in place of their address.
        before_planning: The number of images and the precision are still open: what they will follow from counts too,
            and if rules are going to decide more, so do the rules.
    """
    config = _without_idle_knobs(config)
    ignored = () if before_planning else WITHOUT_EFFECT
    reaching = ("runs.evaluation", "runs.journal") if config.training.guard else ("runs.evaluation",)
    looks = {key for key, _ in flatten(config) if key.startswith("runs.") and not key.startswith(reaching)}
    knobs = {
        FIRST_NAMES.get(key, key): value
        for key, value in flatten(config)
        if not (key in ignored or key in looks or value in OFF or value == ADDED.get(key))
    }
    if config.undecided:
        knobs["rules"] = [(rule.when, rule.settings) for rule in RULES]
    words = json.dumps({**knobs, "data.source": fingerprint}, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _without_idle_knobs(config: Config) -> Config:
    """Where nothing is augmented, how much of it and when is as usual, whoever said what: it reaches no weight."""
    if config.training.augmentation or "training.augmentation" in config.undecided:
        return config
    usual = flatten(Config())
    return config.decided({key: value for key, value in usual if key.startswith("training.augmentation_")})


def without_address(config: Config) -> dict[str, Any]:
    """The config as tables in which the source is but a name: where it lies is nobody's business."""
    return to_tables(config.decided({"data.source": last_name(config.data.source)}))
