"""How a config comes to be: three verbs, in this order.

1. ``request``: the recipe, then a file, then the other options say what is asked for. The rest is undecided.
2. ``settle``: a run that is there keeps what it has, but for what says nothing of what is learned.
3. ``decide``: rules, images and machine decide the rest, once, before step 0; it is written down with the run.

Nothing touches a config after that but the end of a run that was given a time, which its own speed corrects
(``live/pace.py``) and which ``gone_on`` takes from the checkpoint.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from dcgan.commands.evidence import facts_of, flip_of, images_of, num_classes, window_of
from dcgan.commands.live.pace import images_in
from dcgan.commands.options import DataOptions
from dcgan.data.dataset import Dataset
from dcgan.errors import UserError
from dcgan.hardware import choose_device
from dcgan.limits import available_threads
from dcgan.notation import parse_budget
from dcgan.settings.config import Config, flatten
from dcgan.settings.recipes import recipe
from dcgan.settings.rules import decisions, settings_of_rules
from dcgan.training.fastest import compiled_if_faster, possible, speed_of

NUM_ANCHORS = 10

FREE = (
    "runs.", "hardware.", "training.budget", "training.images", "training.replan", "training.rollbacks", "data.source",
)  # fmt: skip
"""Sections and settings that may change between the starts of one run: none of them says what is learned. Where the
images lie is one of them; that they are the same is seen by their fingerprint."""

NOT_YET: dict[str, Any] = {
    "model.image_channels": None,
    "model.num_classes": None,
    "training.images": None,
    "training.shuffle_window": None,
    "training.images_per_second": None,
    "training.replan": None,
    "training.planned_at": (),
    "training.planned_images": (),
    "training.flip": "auto",
    "training.anchor_every_images": None,
    "hardware.device": "auto",
    "hardware.threads": None,
    "hardware.precision": "auto",
    "hardware.step": "auto",
}
"""What settings are until images and machine decide them: a request that leaves them so takes what the run has."""

COURSE = ("training.images", "training.planned_at", "training.planned_images")
"""Where a run ends, and where it was to end before that was corrected."""


def request(options: DataOptions) -> Config:
    """What is asked for: by the recipe or the file, then by the other options.

    Raises:
        UserError: A setting that does not exist, or a value that it cannot have.
    """
    return options.base().asked(options.changes())


def settle(requested: Config, saved: Config) -> Config:
    """The saved config with the changes that a run allows between two starts.

    Raises:
        UserError: Something else was changed; lists it.
    """
    wanted, had = dict(flatten(requested)), dict(flatten(saved))
    not_asked = {"undecided", "reasons", *requested.undecided} | forgotten_rules(requested, saved)
    not_asked |= {key for key, value in NOT_YET.items() if wanted[key] == value}
    changed = {key: value for key, value in wanted.items() if key not in not_asked and value != had[key]}
    fixed = {key: value for key, value in changed.items() if not key.startswith(FREE)}
    if fixed:
        difference = "; ".join(f"{key} was {had[key]}, is {value}" for key, value in fixed.items())
        raise UserError(f"This run has other settings: {difference}. Use these, or another folder (--out).")
    if "training.images" in changed:
        changed.setdefault("training.replan", False)
    if "training.budget" in changed:
        changed |= {"training.replan": requested.training.replan} | {key: NOT_YET[key] for key in COURSE}
    if "hardware.device" in changed:
        changed.setdefault("hardware.step", "auto")
    return saved.asked(changed)


def forgotten_rules(requested: Config, saved: Config) -> set[str]:
    """What rules decided when the run began, no rule speaks of now, and nobody seems to have asked for."""
    usual, wanted = dict(flatten(recipe(requested.recipe))), dict(flatten(requested))
    decided = {line.partition(":")[0] for line in saved.reasons} - set(settings_of_rules())
    return {key for key in decided & wanted.keys() if wanted[key] == usual[key]}


def decide(
    config: Config,
    dataset: Dataset,
    say: Callable[[str], object] = lambda text: None,
    *,
    measure: bool = False,
    rate: Callable[[Config], float] | None = None,
    processes: int = 1,
) -> Config:
    """Fill in all that is left, measuring on throw-away networks where it has to be, or is asked for.

    From here on the process has the threads of the run: its speed is that of what will be trained.
    ``say`` is told what was asked for and cannot be had here.
    ``rate``: images a second of a config, by which rules may decide; None: measured now.
    ``processes``: that compute the steps together; each is taken to be as fast as this one.

    Raises:
        UserError: The data or the machine cannot do what was asked for.
    """
    device = choose_device(config.hardware.device)
    hardware = replace(config.hardware, device=str(device), threads=config.hardware.threads or available_threads())
    torch.set_num_threads(hardware.threads or 1)

    # by rules: what nobody asked for
    by_rules, reasons = dict[str, Any](), dict[str, str]()
    if config.undecided:
        if processes > 1 and rate is None:
            rate = lambda known: processes * speed_of(known)  # noqa: E731  # said once
        by_rules, reasons = decisions(config, facts_of(config, dataset, hardware, rate))

    # by the images: what the networks must fit, and what the rules left to them
    learned = by_rules.get("data.labels", config.data.labels)
    by_images = {"model.image_channels": dataset.pixels.shape[-1], "model.num_classes": num_classes(learned, dataset)}
    if by_rules.get("training.flip", config.training.flip) == "auto":
        by_images["training.flip"] = flip_of(learned, dataset)

    if config.training.shuffle_window is None:
        by_images["training.shuffle_window"] = window_of(dataset.pixels, say)

    # by the machine: where, in which precision and by which way of stepping
    by_machine, may_compile = possible(hardware, device, say)
    by_machine |= {"hardware.device": hardware.device, "hardware.threads": hardware.threads}
    config = config.decided(by_rules | by_images | by_machine, reasons)

    # by measuring: how many images a time is, on what has been decided
    speed = None
    if may_compile:
        config, speed = compiled_if_faster(config, device, len(dataset.train), say)
    return _measured(config, len(dataset.train), speed, measure=measure, processes=processes)


def _measured(config: Config, epoch_size: int, speed: float | None, *, measure: bool, processes: int) -> Config:
    """The config with its number of images."""
    training = config.training
    images_per_second = training.images_per_second
    if measure or parse_budget(training.budget).unit == "seconds":
        # The speed of the first start, if there was one: it is measured once.
        images_per_second = images_per_second or processes * (speed or speed_of(config))
    images = training.images or images_of(training.budget, epoch_size, images_per_second)
    timed = parse_budget(training.budget).unit == "seconds"
    replan = timed and training.images is None if training.replan is None else training.replan
    return config.decided(
        {
            "training.images_per_second": images_per_second,
            "training.images": images,
            "training.replan": replan,
            "training.anchor_every_images": training.anchor_every_images or max(1, images // NUM_ANCHORS),
        }
    )


def gone_on(config: Config, before: Config, images_seen: int, seconds: float) -> Config:
    """The config of a run that goes on from a checkpoint, whose own one is ``before``.

    An end that was corrected is as the checkpoint has it; that of another time follows from the speed so far.
    """
    budget = parse_budget(config.training.budget)
    if not config.training.replan or budget.unit != "seconds":
        return config
    if config.training.budget == before.training.budget:
        had = dict(flatten(before))
        return config.decided({key: had[key] for key in COURSE})
    if images_seen == 0 or seconds == 0:
        return config
    left = images_in(budget.amount - seconds, images_seen / seconds)
    return config.decided({"training.images": images_seen + left})
