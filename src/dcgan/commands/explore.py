"""Explore: what has a generator learned? One function a method, each leaving a picture and a JSON file.

import dcgan

result = dcgan.explore.walk("runs/sprites-64-modern-0", seeds=[3, 17, 40], loop=True)
result.picture, result.facts, result.words
"""

from collections.abc import Callable

from dcgan.commands.exploring.arithmetic import arithmetic
from dcgan.commands.exploring.directions import directions
from dcgan.commands.exploring.failures import failures
from dcgan.commands.exploring.find import find
from dcgan.commands.exploring.forget import forget
from dcgan.commands.exploring.neighbours import neighbours
from dcgan.commands.exploring.probe import probe
from dcgan.commands.exploring.results import Result
from dcgan.commands.exploring.units import units
from dcgan.commands.exploring.walk import walk

METHODS: dict[str, Callable[..., Result]] = {
    "walk": walk,
    "arithmetic": arithmetic,
    "directions": directions,
    "find": find,
    "neighbours": neighbours,
    "failures": failures,
    "units": units,
    "forget": forget,
    "probe": probe,
}

__all__ = [
    "METHODS",
    "Result",
    "arithmetic",
    "directions",
    "failures",
    "find",
    "forget",
    "neighbours",
    "probe",
    "units",
    "walk",
]
