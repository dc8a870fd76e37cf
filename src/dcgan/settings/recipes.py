"""Named complete configs. Each says only how it differs from the config's own defaults."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from dcgan.errors import UserError
from dcgan.settings.config import Config
from dcgan.settings.rules import settings_of_rules

# The chapter "Deep Convolutional Generative Adversarial Networks" of Dive into Deep Learning, exactly: its PyTorch tab,
# and its Gluon tab as MXNet 1.9.1 runs it on a processor.
_PYTORCH_TAB: Mapping[str, Any] = {
    "data.fit": "stretch",
    "data.resample": "bilinear",
    "data.channels": "rgb",
    "data.alpha": "drop",
    "data.held_out": False,
    "model.norm_first": True,
    "model.initialization": "everything",
    # The chapter runs the generator twice a step, which moves its running statistics twice:
    # once with 1 - (1 - 0.1) ** 2 is the same, and the fakes can be used again.
    "model.generator_norm_momentum": 0.19,
    "training.budget": "20epochs",
    "training.batch_size": 256,
    "training.short_last_batch": True,
    "training.reduction": "sum",
    "training.generator_learning_rate": 0.005,
    "training.discriminator_learning_rate": 0.005,
    "training.average_half_life": None,
    "runs.by_epochs": True,
    "runs.evaluations": 0,
    "hardware.precision": "fp32",
}
RECIPES: Mapping[str, Mapping[str, Any]] = {
    # Decided by rules from the images, the device and the budget.
    "modern": {"undecided": settings_of_rules()},
    # Radford, Metz, Chintala 2015 (arXiv 1511.06434), section 4.
    "radford2015": {
        "model.generator_width": 128,
        "model.discriminator_width": 128,
        "model.prior": "uniform",
        "training.batch_size": 128,
        "training.generator_learning_rate": 2e-4,
        "training.discriminator_learning_rate": 2e-4,
        "training.average_half_life": None,
    },
    "d2l": _PYTORCH_TAB,
    "d2l-gluon": {
        **_PYTORCH_TAB,
        "data.resample": "opencv",
        "model.initialization": "convolutions",
        "model.generator_norm_momentum": 0.1,  # MXNet moves the generator's running statistics in its own turn alone
        "model.norm_statistics": "backward",
        "training.adam": "mxnet",
        "training.reduction": "mean",
        "hardware.step": "eager",  # this Adam's rate is another at each step
    },
}


@cache
def recipe(name: str) -> Config:
    """The named recipe as a complete config.

    Raises:
        UserError: No recipe of that name.
    """
    if name not in RECIPES:
        raise UserError(f"--recipe {name:.100}: no such recipe. Known: {', '.join(RECIPES)}.")
    return Config.of(name, RECIPES[name])


def complete(changes: Mapping[str, Any]) -> Config:
    """The config that a file tells, starting from the recipe that it names."""
    return recipe(str(changes.get("recipe", "modern"))).asked(changes)
