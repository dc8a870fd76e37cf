"""What an export consists of, and the comparison with the generator that it was made from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from dcgan.data.pixels import grey_levels
from dcgan.errors import UserError
from dcgan.runs.generator import TrainedGenerator

SUMS = "SHA256SUMS"
CHECKED_SEEDS = range(64)
TOLERANCE = 1.0  # grey levels of 255: what rounding of float32 in another order can do


@dataclass(frozen=True)
class Export:
    """Files that were checked, not yet written."""

    files: Mapping[str, bytes]
    """Content by name; a name may have a folder in it. One file alone is written as that file, several as a folder."""
    difference: float
    """The largest difference to the generator over ``CHECKED_SEEDS``, in grey levels of 255."""
    remarks: tuple[str, ...] = ()
    """Sentences for the person who exports."""


def largest_difference(generator: TrainedGenerator, given: np.ndarray) -> float:
    """How far ``given`` is from what the generator draws of ``CHECKED_SEEDS``, in grey levels of 255.

    ``given`` holds pixels (n h w c) or, in floating point, images (n c h w, -1 … 1).
    """
    if np.issubdtype(given.dtype, np.integer):
        expected = generator.sample(CHECKED_SEEDS).permute(0, 2, 3, 1).numpy()
    else:
        with torch.inference_mode():
            images = generator.generator(generator.latents(CHECKED_SEEDS), generator.labels(CHECKED_SEEDS))
        expected = images.numpy()
    assert (given.shape, given.dtype) == (expected.shape, expected.dtype), (given.shape, expected.shape)
    return grey_levels(given, expected)


def with_sums(made: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files and a list of their hashes, which ``sha256sum -c`` checks."""
    lines = (f"{hashlib.sha256(made[name]).hexdigest()}  {name}\n" for name in sorted(made))
    return {**made, SUMS: "".join(lines).encode()}


def require_equal(difference: float, what: str, tolerance: float = TOLERANCE) -> None:
    """Refuse an export whose images are not those of the generator.

    Raises:
        UserError: Nothing was written.
    """
    if not difference <= tolerance:  # a NaN is refused too
        raise UserError(
            f"--to {what}: the exported generator's images differ by {difference:.3g} grey levels, at most "
            f"{tolerance:g} were expected. Nothing was written. Please report this."
        )
