"""How many of Stacked-MNIST's thousand modes a run reaches, beside a real draw of as many images."""

import time
from collections.abc import Iterable

import torch

from dcgan.data.dataset import Dataset
from dcgan.evaluation.detectors.digits import Digits
from dcgan.evaluation.measurement import Measurement, Protocol, name_of
from dcgan.evaluation.measures.modes import DIGIT_SIZE, STACKED_SAMPLES, Modes, count_modes, modes_of_digits
from dcgan.evaluation.reals import pixels_of
from dcgan.runs.generator import TrainedGenerator
from dcgan.tensors import Pixels

SOURCE = "stacked-mnist"
_CHUNK = 1024


def are_countable(pixels: Pixels) -> bool:
    """Whether images are large enough for the classifier of digits, one digit in each of three channels."""
    return pixels.shape[1] == 3 and min(pixels.shape[2:]) >= DIGIT_SIZE and pixels.dtype == torch.uint8


def stacked_modes(generator: TrainedGenerator, dataset: Dataset, first_seed: int) -> list[Measurement]:
    """Modes hit, modes hit five times, and the divergence of their shares from the uniform distribution."""
    start = time.perf_counter()
    seeds = range(first_seed, first_seed + STACKED_SAMPLES)
    drawn = (generator.sample(seeds[first : first + _CHUNK]) for first in range(0, len(seeds), _CHUNK))
    ours, reals = _modes(drawn), _modes(pixels_of(dataset, dataset.train[:STACKED_SAMPLES]))
    protocol = Protocol(
        detector="digits",
        num_samples=STACKED_SAMPLES,
        reference=SOURCE,
        fingerprint=dataset.fingerprint,
        split="train",
        num_reference=min(len(dataset.train), STACKED_SAMPLES),
        resize="bilinear to 28 x 28",
        seconds=round(time.perf_counter() - start, 3),
    )
    values = zip(("modes", "modes_hit_5", "modes_divergence"), ours, reals, strict=True)
    return [
        Measurement(name_of(measure, "digits", STACKED_SAMPLES), float(value), protocol, floor=float(real))
        for measure, value, real in values
    ]


def _modes(pixels: Iterable[Pixels]) -> Modes:
    digits = Digits()
    return count_modes(torch.cat([modes_of_digits(digits(chunk)) for chunk in pixels]))
