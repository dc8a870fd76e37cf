"""What the recipe ``modern`` decides before step 0, and why: all of it is on this page; standard library only.

A rule holds when each fact that it names lies in its range. Of a setting, the last rule that holds has the last word;
what no rule speaks of is as the defaults are. What was asked for is never changed, and a rule that would contradict
it is passed over. The first rules say what is usual, those after them when to do otherwise: a new one goes to the end.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from dcgan.notation import stages
from dcgan.settings.config import Config


class Rule(NamedTuple):
    """Settings for runs of some kind."""

    when: Mapping[str, tuple[float, float] | str]
    """Facts by name: from … to below, or a word. Empty: always."""
    settings: Mapping[str, Any]
    reason: str
    """In words, ``{facts.num_images:,}`` and the like in them."""
    experiment: str
    """The heading in docs/experiments/*.md under which it is measured."""


RULES = (
    Rule(
        {},
        {
            "model.generator_width": 64,
            "training.batch_size": 32,
            "training.average_half_life": 10_000,
        },
        "many small steps and an average made the best images of three recipes in equal time",
        "Fashion-MNIST, 32x32, three minutes",
    ),
    Rule(
        {},
        {"model.discriminator_width": 32},
        "eight of the eleven passes of a step are the discriminator's: at half its width, more images are seen",
        "What each rule is worth",
    ),
    Rule(
        {},
        {"model.statistics_batches": 16},
        "an average's running statistics are those of other weights",
        "What each rule is worth",
    ),
    Rule(
        {"height": (64, math.inf), "images": (0, 2**19)},
        {"model.generator_width": 32, "model.discriminator_width": 16},
        "one more halving of the image doubles the widest layers: at half the width, they are as at 32x32",
        "What narrower networks bring at 64x64",
    ),
    Rule(
        # Of few images they lose the variety that the second detector sees.
        {"height": (0, 64), "images": (0, 2**17), "epochs": (0, 4)},
        {"model.generator_width": 32, "model.discriminator_width": 16},
        "in a few minutes of many images, networks half as wide see twice as many of them and come further",
        "Steps of a few minutes",
    ),
    Rule(
        # Sampling asks for all classes equally often, which may differ from the data only so much.
        # Where classes tell most of what there is to see, the generator gives up the rest.
        {
            "height": (0, 64),
            "num_classes": (2, 101),
            "smallest_class": (500, math.inf),
            "imbalance": (1, 1.5),
            "class_share": (0, 0.6),
        },
        {"data.labels": True},
        "networks that are told the class of an image need not find out what the {facts.num_classes} classes are",
        "What each rule is worth",
    ),
    Rule(
        {},
        {
            "model.discriminator_norm": False,
            "training.objective": "relativistic",
            "training.real_penalty": 1.0,
            "training.fake_penalty": 1.0,
            "training.beta1": 0.0,
            "training.beta2": 0.99,
            "training.generator_learning_rate": 2e-3,
            "training.discriminator_learning_rate": 2e-3,
            "training.learning_rate_schedule": "linear",
        },
        "a discriminator that a penalty keeps flat around single images can learn fast, and goes on teaching",
        "A penalty in place of normalisation",
    ),
    Rule(
        {"height": (64, math.inf)},
        # Repeated, so that this rule too is passed over where normalisation is asked for.
        {"model.discriminator_norm": False, "training.real_penalty": 2.0, "training.fake_penalty": 2.0},
        "larger images are given a larger penalty, as is published",
        "A penalty in place of normalisation",
    ),
    Rule(
        # The narrow networks see almost five times as many images as are expected of the usual ones.
        {"height": (64, math.inf), "images": (2**18, math.inf)},
        {"training.generator_learning_rate": 1e-3, "training.discriminator_learning_rate": 1e-3},
        "in an hour, half of the rate of ten minutes is enough, and keeps the contrast",
        "Sprites, 64x64, one hour, one seed",
    ),
    Rule(
        {"images": (2**19, math.inf)},
        {"training.generator_learning_rate": 5e-4, "training.discriminator_learning_rate": 5e-4},
        "in a long run the images come so near to real ones that what tells them apart would drown in larger steps",
        "Fashion-MNIST, 32x32, one hour, one seed",
    ),
    Rule(
        {"device": "cuda"},
        {
            "model.generator_width": 128,
            "model.discriminator_width": 64,
            "training.batch_size": 128,
            "training.generator_learning_rate": 4e-4,
            "training.discriminator_learning_rate": 4e-4,
        },
        "a GPU takes 128 images through networks twice as wide in little more time than 32 through these",
        "On a GPU, forty seconds each, one seed",
    ),
    Rule(
        {},
        {"training.flip": "auto"},
        "mirror images count as images too, but only where nobody could tell them",
        "Mirror images",
    ),
    Rule(
        {},
        {"training.guard": True},
        "a run that collapses can go back and learn more gently",
        "How often it collapses",
    ),
    Rule(
        {"num_images": (0, 5_000)},
        {
            "training.augmentation": ("colour", "translation", "cutout"),
            "training.augmentation_schedule": "adaptive",
            "training.augmentation_strength": 0.3,
        },
        "{facts.num_images:,} images are few, and soon learned by heart",
        "A thousand sprites, 64x64, ten minutes, judged against others",
    ),
)

MEASURED = {"images", "epochs", "operations"}
"""Facts that follow from the speed of the machine where the budget is a time."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What rules may ask about: the images, the device, and how far the budget reaches."""

    height: int
    width: int
    channels: int
    num_images: int
    """To learn from."""
    num_classes: int
    """That the images have, learned or not; 0: none."""
    class_sizes: tuple[int, int]
    """Images of the smallest class and of the largest one, to learn from; 0, 0 without classes."""
    class_share: float
    """How much of what images show is told by their class alone, 0 … 1 (data/likeness.py); 0 without classes."""
    device: str
    """cpu, cuda, mps."""
    reach: float = 0.0
    """Images that the networks of the defaults see for the budget; 0: not known, since no rule asks."""

    @property
    def smallest_class(self) -> int:
        """Its images."""
        return self.class_sizes[0]

    @property
    def imbalance(self) -> float:
        """How many times as many images the largest class has as the smallest one."""
        return self.class_sizes[1] / max(1, self.class_sizes[0])

    @property
    def images(self) -> float:
        """The same as a power of two: a speed that is measured a little otherwise seldom decides otherwise."""
        return coarse(self.reach, 2)

    @property
    def epochs(self) -> float:
        """How often they see each image, as a power of two."""
        return coarse(self.reach / self.num_images, 2)

    @property
    def operations(self) -> float:
        """What the budget pays for, as a power of four."""
        return coarse(self.reach * operations_per_image(self.height, self.width, self.channels), 4)


def decisions(config: Config, facts: Facts) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings that the rules decide of those that are undecided, and the reason of each; no other stays undecided."""
    settings, reasons = dict[str, Any](), dict[str, str]()
    for rule in RULES:
        its = {key: value for key, value in rule.settings.items() if key in config.undecided}
        # Passed over: two settings that exclude each other, one of which was asked for.
        if its and holds(rule, facts) and config.allows(settings | its):
            settings |= its
            reasons |= dict.fromkeys(its, rule.reason.format(facts=facts))
    return settings | {"undecided": ()}, reasons


def holds(rule: Rule, facts: Facts) -> bool:
    """Whether the rule is about such a run."""
    found = ((getattr(facts, name), wanted) for name, wanted in rule.when.items())
    return all(fact == wanted if isinstance(wanted, str) else wanted[0] <= fact < wanted[1] for fact, wanted in found)


def asks_for_speed(config: Config) -> bool:
    """Whether a rule about something undecided asks how far the budget reaches."""
    return any(MEASURED & rule.when.keys() and set(config.undecided) & rule.settings.keys() for rule in RULES)


def settings_of_rules() -> tuple[str, ...]:
    """Every setting that some rule decides."""
    return tuple(dict.fromkeys(key for rule in RULES for key in rule.settings))


def explain(knobs: Mapping[str, Any]) -> list[str]:
    """A line for each reason in a flat config: the settings, as ``--set`` takes them, and why they are so."""
    settings: dict[str, list[str]] = {}
    for line in knobs["reasons"]:
        key, _, reason = str(line).partition(": ")
        settings.setdefault(reason, []).append(f"{key}={_word(knobs.get(key))}")
    return [f"{', '.join(chosen)}: {reason}." for reason, chosen in settings.items()]


def coarse(value: float, base: int) -> float:
    """The nearest power of ``base``; 0 stays 0."""
    return float(base ** round(math.log(value, base))) if value > 0 else 0.0


def operations_per_image(height: int, width: int, channels: int) -> float:
    """Of the convolutions of one step of the default networks.

    Three passes through the generator and eight through the discriminator, which mirror each other; the two matrix
    products at the ends (three hundredths at most) are left out.
    """
    num_stages = stages(height, width)
    widths = [channels, *(64 * min(1 << stage, 8) for stage in range(num_stages))]
    passes = (
        2 * 4**2 * before * after * (height >> stage) * (width >> stage)
        for stage, (before, after) in enumerate(pairwise(widths), start=1)
    )
    return 11.0 * sum(passes)


def _word(value: object) -> str:
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower()
