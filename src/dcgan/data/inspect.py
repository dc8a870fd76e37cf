"""What is in a source and what is wrong with it, without training: preparing, presented."""

from collections.abc import Callable

import numpy as np

from dcgan.data.pixels import grid, viewable
from dcgan.data.prepare import prepare
from dcgan.data.report import DatasetReport
from dcgan.settings.knobs import DataConfig

__all__ = ["COLUMNS", "ROWS", "DatasetReport", "contact_sheet", "inspect"]

ROWS, COLUMNS = 4, 5
_CELL = 128
"""Small images are shown enlarged by a whole number, up to about this many pixels."""


def inspect(config: DataConfig, progress: Callable[[int, int], None] | None = None) -> tuple[DatasetReport, np.ndarray]:
    """Prepare the source (training will find it prepared) and report on it.

    Returns:
        The report, and a contact sheet: h w c, uint8.

    Raises:
        UserError: As ``prepare``.
    """
    dataset = prepare(config, progress)
    return dataset.report, contact_sheet(dataset.pixels)


def contact_sheet(pixels: np.ndarray) -> np.ndarray:
    """The first 20 prepared images, 4 x 5; their order being that of a hash, that is a random choice."""
    shown = viewable(np.asarray(pixels[: ROWS * COLUMNS]))
    factor = max(1, _CELL // max(shown.shape[1:3]))
    return grid(shown.repeat(factor, axis=1).repeat(factor, axis=2), COLUMNS, gap=4)
