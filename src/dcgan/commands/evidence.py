"""What images and budget say before step 0: facts that rules ask for, classes, mirror images, the length of the run."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dcgan.data.dataset import Dataset
from dcgan.data.likeness import class_share
from dcgan.data.symmetry import may_be_mirrored, spread
from dcgan.data.windows import BLOCK
from dcgan.errors import UserError
from dcgan.hardware import choose_device
from dcgan.limits import usable_memory
from dcgan.notation import parse_budget
from dcgan.runs.tensor_file import MAX_HEADER_BYTES
from dcgan.settings.config import Config
from dcgan.settings.knobs import HardwareConfig, ModelConfig
from dcgan.settings.rules import Facts, asks_for_speed
from dcgan.training.fastest import likely, speed_of

FITTING_SHARE = 0.5  # of the memory that images may take; beyond it they are read from disk in blocks
WINDOW_SHARE = 0.1  # of the memory, for one window, of which two are held
FEWEST_BLOCKS, MOST_BLOCKS = 32, 512
MAX_NAMES_BYTES = MAX_HEADER_BYTES - 1_000_000  # of all classes; the rest is for tensors and settings


def facts_of(
    config: Config, dataset: Dataset, hardware: HardwareConfig, rate: Callable[[Config], float] | None
) -> Facts:
    """What the rules in settings/rules.py may ask about; a speed is measured only if one of them does.

    ``hardware``: with its device and threads. ``rate``: images a second of a config; None: measured now.
    """
    device = choose_device(hardware.device)
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
        device=device.type,
        reach=_reach(config, dataset, hardware, rate),
    )


def _reach(config: Config, dataset: Dataset, hardware: HardwareConfig, rate: Callable[[Config], float] | None) -> float:
    """Images that the networks of the defaults see for the budget; 0: not known, since no rule asks."""
    budget = parse_budget(config.training.budget)
    if budget.unit != "seconds":
        return float(images_of(config.training.budget, len(dataset.train)))
    if not asks_for_speed(config):
        return 0.0
    usual = ModelConfig(image_channels=dataset.pixels.shape[-1], num_classes=0)
    if rate is None:
        found = likely(hardware, choose_device(hardware.device))
        hardware = replace(hardware, **{key.partition(".")[2]: value for key, value in found.items()})
    return budget.amount * (rate or speed_of)(Config(data=config.data, model=usual, hardware=hardware))


def num_classes(learned: bool, dataset: Dataset) -> int:
    """Classes that the networks are told: 0 where labels are not learned.

    Raises:
        UserError: There are none to learn, or their names would fill a checkpoint.
    """
    if not learned:
        return 0
    if len(dataset.class_names) < 2:
        raise UserError("--labels: these images have no classes. Put each class into a folder of its own.")
    _require_short(dataset.class_names)
    return len(dataset.class_names)


def window_of(pixels: np.ndarray, say: Callable[[str], object]) -> int:
    """Images to mix at a time: 0, which is all of them, where they fit into the memory that may be used."""
    memory = usable_memory()
    if memory is None or pixels.nbytes <= FITTING_SHARE * memory:
        return 0
    wanted = int(WINDOW_SHARE * memory * len(pixels) / pixels.nbytes)
    window = min(max(wanted, FEWEST_BLOCKS * BLOCK), MOST_BLOCKS * BLOCK) // BLOCK * BLOCK
    say(
        f"The images take {pixels.nbytes / 1e6:,.0f} MB, and {memory / 1e6:,.0f} MB of memory may be used: they are "
        f"read from disk in blocks, {window:,} mixed at a time (training.shuffle_window)."
    )
    return window


def flip_of(learned: bool, dataset: Dataset) -> str:
    """``on`` where mirror images could be among the training images, of each class if classes are learned."""
    rows = dataset.train[spread(len(dataset.train))]
    labels = dataset.labels[rows] if learned and dataset.labels is not None else None
    return "on" if may_be_mirrored(dataset.pixels[rows], labels) else "off"


def images_of(text: str, epoch_size: int, images_per_second: float | None = None) -> int:
    """A budget in images: a time by the speed, epochs by their size."""
    budget = parse_budget(text)
    if budget.unit == "seconds":
        assert images_per_second is not None, text
        return max(1, math.ceil(budget.amount * images_per_second))
    return max(1, math.ceil(budget.amount * (epoch_size if budget.unit == "epochs" else 1)))


def _require_short(class_names: Sequence[str]) -> None:
    """Refuse now what no checkpoint could be read back with: its header is text within text, and has a limit."""
    text = json.dumps(json.dumps(class_names, ensure_ascii=False), ensure_ascii=False)
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_NAMES_BYTES:
        raise UserError(
            f"--labels: the names of {len(class_names):,} classes take {size / 1e6:.1f} MB, a checkpoint has room for "
            f"{MAX_NAMES_BYTES / 1e6:.0f} MB. Give the folders shorter names, or choose some of them with --classes."
        )
