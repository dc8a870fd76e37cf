"""From what was asked for to a complete config: what the data and the machine decide, once, before step 0."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tomli_w
import torch

from dcgan.data.likeness import class_share
from dcgan.data.prepare import Dataset
from dcgan.data.symmetry import may_be_mirrored, spread
from dcgan.errors import UserError
from dcgan.hardware import choose_device
from dcgan.limits import available_threads
from dcgan.notation import parse_budget
from dcgan.runs.tensor_file import MAX_HEADER_BYTES
from dcgan.settings.config import MAX_TOML_BYTES, Config, flatten, to_tables
from dcgan.settings.knobs import ModelConfig, require
from dcgan.settings.recipes import recipe
from dcgan.settings.rules import Facts, asks_for_speed, choose, settings_of_rules
from dcgan.training.fastest import fastest, speed_of
from dcgan.training.memory import memory_of

PROGRAM_BYTES = 500_000_000  # Python, torch and its libraries
NUM_ANCHORS = 10
PICTURE_BYTES = 20_000_000  # grids, film, report
MAX_NAMES_BYTES = MAX_HEADER_BYTES - 1_000_000  # of all classes; the rest is for tensors and settings

# Sections and settings that may change between the starts of one run: none of them says what is learned. Where the
# images lie is one of them; that they are the same is seen by their fingerprint.
FREE = ("runs.", "hardware.", "training.budget", "training.images", "training.rollbacks", "data.source")

# Decided before step 0: a request that leaves them open takes what the run has.
OPEN = {
    "model.image_channels": None,
    "model.num_classes": None,
    "training.images": None,
    "training.images_per_second": None,
    "training.flip": "auto",
    "training.anchor_every_images": None,
    "hardware.device": "auto",
    "hardware.threads": None,
    "hardware.precision": "auto",
    "hardware.step": "auto",
}


def resolve(
    config: Config,
    dataset: Dataset,
    say: Callable[[str], object] = lambda text: None,
    *,
    measure: bool = False,
    rate: Callable[[Config], float] | None = None,
) -> Config:
    """Fill in all that is open, measuring on throw-away networks where it has to be, or is asked for.

    From here on the process has the threads of the run: its speed is that of what will be trained.
    ``say`` is told what was asked for and cannot be had here.
    ``rate``: images a second of a config, by which rules may decide; None: ``speed_of``, measured now.

    Raises:
        UserError: The data or the machine cannot do what was asked for.
    """
    device = choose_device(config.hardware.device)
    changes: dict[str, Any] = {
        "model.image_channels": dataset.pixels.shape[-1],
        "hardware.device": str(device),
        "hardware.threads": config.hardware.threads or available_threads(),
    }
    config = config.override(changes)
    torch.set_num_threads(config.hardware.threads or 1)
    if config.open:
        config = choose(config, facts_of(config, dataset, rate or speed_of))
    config = config.override({"model.num_classes": _num_classes(config, dataset), "reasons": config.reasons})
    if config.training.flip == "auto":
        config = config.override({"training.flip": flip_of(config, dataset), "reasons": config.reasons})
    config, speed = fastest(config, device, len(dataset.train), say)
    if measure or parse_budget(config.training.budget).unit == "seconds":
        # The speed of the first start, if there was one: twice the time is then exactly twice the images.
        speed = config.training.images_per_second or speed
        if speed is None:
            speed = speed_of(config)
        config = config.override({"training.images_per_second": speed})
    if config.training.images is None:
        config = config.override({"training.images": images_of(config, len(dataset.train))})
    if config.training.anchor_every_images is None:
        assert config.training.images is not None, config.training
        tenth = max(1, config.training.images // NUM_ANCHORS)
        config = config.override({"training.anchor_every_images": tenth})
    return config


def _num_classes(config: Config, dataset: Dataset) -> int:
    """Of the networks: 0 where labels are not learned."""
    if not config.data.labels:
        return 0
    if len(dataset.class_names) < 2:
        raise UserError("--labels: these images have no classes. Put each class into a folder of its own.")
    _require_short(dataset.class_names)
    return len(dataset.class_names)


def _require_short(class_names: Sequence[str]) -> None:
    """Refuse now what no checkpoint could be read back with: its header is text within text, and has a limit."""
    text = json.dumps(json.dumps(class_names, ensure_ascii=False), ensure_ascii=False)
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_NAMES_BYTES:
        raise UserError(
            f"--labels: the names of {len(class_names):,} classes take {size / 1e6:.1f} MB, a checkpoint has room for "
            f"{MAX_NAMES_BYTES / 1e6:.0f} MB. Give the folders shorter names, or choose some of them with --classes."
        )


def flip_of(config: Config, dataset: Dataset) -> str:
    """``on`` where mirror images could be among the training images, of each class if classes are learned."""
    rows = dataset.train[spread(len(dataset.train))]
    labels = dataset.labels[rows] if config.data.labels and dataset.labels is not None else None
    return "on" if may_be_mirrored(dataset.pixels[rows], labels) else "off"


def facts_of(config: Config, dataset: Dataset, rate: Callable[[Config], float]) -> Facts:
    """What the rules in settings/rules.py may ask about; a speed is measured only if one of them does."""
    budget, reach = parse_budget(config.training.budget), 0.0
    if budget.unit != "seconds":
        reach = float(images_of(config, len(dataset.train)))
    elif asks_for_speed(config):
        usual = ModelConfig(image_channels=config.model.image_channels, num_classes=0)
        reach = budget.amount * rate(Config(data=config.data, model=usual, hardware=config.hardware))
    labels = np.zeros(0, np.int64) if dataset.labels is None else dataset.labels[dataset.train]
    some = spread(len(dataset.train))
    share = class_share(dataset.pixels[dataset.train[some]], labels[some]) if len(labels) else 0.0
    sizes = np.bincount(labels, minlength=max(1, len(dataset.class_names)))
    return Facts(
        height=config.data.height,
        width=config.data.width,
        channels=dataset.pixels.shape[-1],
        num_images=len(dataset.train),
        num_classes=len(dataset.class_names),
        class_sizes=(int(sizes.min()), int(sizes.max())),
        class_share=share,
        device=choose_device(config.hardware.device).type,
        reach=reach,
    )


def images_of(config: Config, epoch_size: int) -> int:
    """The budget in images: a time by the measured speed, epochs by their size."""
    budget = parse_budget(config.training.budget)
    if budget.unit == "seconds":
        assert config.training.images_per_second is not None, config.training
        return max(1, math.ceil(budget.amount * config.training.images_per_second))
    return max(1, math.ceil(budget.amount * (epoch_size if budget.unit == "epochs" else 1)))


def settle(requested: Config, saved: Config) -> Config:
    """The saved config with the changes that a run allows between two starts.

    Raises:
        UserError: Something else was changed; lists it.
    """
    wanted, had = dict(flatten(requested)), dict(flatten(saved))
    still_open = {"open", "reasons", *requested.open} | {key for key, value in OPEN.items() if wanted[key] == value}
    still_open |= forgotten_rules(requested, saved)
    changed = {key: value for key, value in wanted.items() if key not in still_open and value != had[key]}
    fixed = {key: value for key, value in changed.items() if not key.startswith(FREE)}
    if fixed:
        difference = "; ".join(f"{key} was {had[key]}, is {value}" for key, value in fixed.items())
        raise UserError(f"This run has other settings: {difference}. Use these, or another folder (--out).")
    if "training.budget" in changed:
        changed["training.images"] = None
    if "hardware.device" in changed:
        changed.setdefault("hardware.step", "auto")
    return saved.override(changed)


def forgotten_rules(requested: Config, saved: Config) -> set[str]:
    """What rules decided when the run began, no rule speaks of now, and nobody seems to have asked for."""
    usual, wanted = dict(flatten(recipe(requested.recipe))), dict(flatten(requested))
    decided = {line.partition(":")[0] for line in saved.reasons} - set(settings_of_rules())
    return {key for key in decided & wanted.keys() if wanted[key] == usual[key]}


def as_toml(config: Config) -> str:
    """The whole config, as a file that ``--config`` takes.

    Raises:
        UserError: The source's name is not Unicode, which is all that TOML and a checkpoint can hold; or there is more
            text than would be read back.
    """
    text = tomli_w.dumps(to_tables(config))
    legible = text.encode(errors="replace") == text.encode(errors="surrogatepass")
    require(legible, "data.source", ascii(config.data.source), "is no Unicode; rename it, or set PYTHONUTF8=1")
    require(len(text.encode()) <= MAX_TOML_BYTES, "data.classes", f"{len(text):,} letters", "choose fewer of them")
    return text


def expected_cost(config: Config, dataset: Dataset) -> list[str]:
    """Memory, disk and time that a resolved config will take, in words."""
    memory = memory_of(config)
    checkpoints = memory.state * (config.runs.keep + 2 + config.training.guard)  # anchors, and one being written
    lines = [
        f"Memory: about {sum(memory) / 1e6:,.0f} MB, and {PROGRAM_BYTES / 1e6:,.0f} MB for the program itself.",
        f"Disk: about {(checkpoints + PICTURE_BYTES) / 1e6:,.0f} MB for the run, {dataset.pixels.nbytes / 1e6:,.0f} MB "
        "for the prepared images (there already).",
    ]
    speed = config.training.images_per_second
    if speed and config.training.images:
        minutes = config.training.images / speed / 60
        lines.append(f"Time: about {minutes:,.1f} min for {config.training.images:,} images at {speed:,.0f} a second.")
    return lines
