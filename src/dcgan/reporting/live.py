"""The figure of a run that is under way: both losses so far beside the newest grid. Import this late: matplotlib."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

Point = tuple[int, float, float]
"""Images seen, the discriminator's loss, the generator's."""


def live_figure(points: Sequence[Point], grid: Path | None, words: str) -> bytes:
    """The bytes of a PNG: a curve for each loss, the grid if there is one, and a line of words above."""
    figure = Figure(figsize=(9.5, 3.6) if grid else (5.5, 3.2), dpi=100, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(words, x=0.01, ha="left", fontsize=10, parse_math=False)
    panels = figure.subplots(1, 2, width_ratios=(1, 1.3)) if grid else [figure.subplots()]
    curves = np.array(points, dtype=float).reshape(-1, 3)
    for column, label, colour in ((1, "discriminator", "#c2571a"), (2, "generator", "#0b7a75")):
        marker = "o" if len(curves) == 1 else ""
        panels[0].plot(curves[:, 0], curves[:, column], label=label, color=colour, marker=marker)
    panels[0].set(xlabel="images seen", ylabel="loss")
    panels[0].legend(frameon=False, fontsize=9)
    panels[0].spines[["top", "right"]].set_visible(False)
    if grid:
        with Image.open(grid) as picture:
            panels[1].imshow(np.asarray(picture.convert("RGB")), interpolation="nearest")
        panels[1].axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
