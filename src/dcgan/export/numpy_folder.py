"""A folder that draws with NumPy alone: ``generator.py``, ``config.json`` and ``model.safetensors``."""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np

from dcgan.export import standalone
from dcgan.export.product import CHECKED_SEEDS, Export, largest_difference, require_equal, with_sums
from dcgan.runs.generator import TrainedGenerator
from dcgan.runs.portable import CONFIG, WEIGHTS, packed

PROGRAM = "generator.py"


def numpy_export(generator: TrainedGenerator) -> Export:
    """The generator as a program of one file and its weights."""
    made, difference = numpy_files(generator)
    return Export(with_sums(made), difference)


def numpy_files(generator: TrainedGenerator) -> tuple[dict[str, bytes], float]:
    """The three files, and the largest difference of what they draw to the generator, in grey levels of 255."""
    difference = largest_difference(generator, drawn(portable_files(generator, {})))
    require_equal(difference, "numpy")
    check = {
        "seeds": f"{CHECKED_SEEDS.start}-{CHECKED_SEEDS.stop - 1}",
        "largest_difference_in_grey_levels": difference,
    }
    program = (files("dcgan.export") / "standalone.py").read_bytes()
    return portable_files(generator, {"check_of_generator_py": check}) | {PROGRAM: program}, difference


def portable_files(generator: TrainedGenerator, extra: Mapping[str, Any]) -> dict[str, bytes]:
    """``config.json`` and ``model.safetensors``."""
    weights, bits = generator.generator.state_dict(), 8 * generator.dtype.itemsize
    return packed(generator.config, weights, generator.class_names, bits, extra)


def drawn(content: Mapping[str, bytes]) -> np.ndarray:
    """What the program draws of the checked seeds with the two files' content."""
    config, weights = json.loads(content[CONFIG]), standalone.read_safetensors(content[WEIGHTS])
    return standalone.Generator(config, weights).sample(CHECKED_SEEDS)
