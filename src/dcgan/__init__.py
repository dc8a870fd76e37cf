"""Deep convolutional GANs on your own images: train, measure, explore, ship.

import dcgan

for report in dcgan.train("sprites/", size=64, budget="10min"):
    ...                                      # one StepReport a step; stop whenever you like, it is saved
generator = dcgan.load("runs/sprites-64-modern-0")
pixels = generator.sample(range(64))         # n c h w, uint8: a seed is the same image every time
dcgan.explore.walk("runs/sprites-64-modern-0", seeds=[3, 17, 40])    # a film, and the latents of its frames
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dcgan.commands import explore
    from dcgan.errors import UserError
    from dcgan.interfaces.python import compare, evaluate, inspect, load, train
    from dcgan.interfaces.show import show
    from dcgan.runs.generator import TrainedGenerator
    from dcgan.settings.config import Config
    from dcgan.settings.recipes import recipe
    from dcgan.training.step import StepReport

    __version__: str

__all__ = [
    "Config",
    "StepReport",
    "TrainedGenerator",
    "UserError",
    "__version__",
    "compare",
    "evaluate",
    "explore",
    "inspect",
    "load",
    "recipe",
    "show",
    "train",
]

_HOMES = {
    "Config": "dcgan.settings.config",
    "StepReport": "dcgan.training.step",
    "TrainedGenerator": "dcgan.runs.generator",
    "UserError": "dcgan.errors",
    "compare": "dcgan.interfaces.python",
    "evaluate": "dcgan.interfaces.python",
    "explore": "dcgan.commands.explore",
    "inspect": "dcgan.interfaces.python",
    "load": "dcgan.interfaces.python",
    "recipe": "dcgan.settings.recipes",
    "show": "dcgan.interfaces.show",
    "train": "dcgan.interfaces.python",
}
_MODULES = {"explore"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: ``import dcgan`` alone costs nothing."""
    if name == "__version__":
        return import_module("importlib.metadata").version("dcgan")
    if name not in _HOMES:
        raise AttributeError(f"module 'dcgan' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    return home if name in _MODULES else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
