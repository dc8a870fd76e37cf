"""Losses and scores over images seen or over epochs, as one PNG. Import this late: it brings matplotlib."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dcgan.files import write_with
from dcgan.reporting.curves import limits, smooth, thin
from dcgan.reporting.story import read_story
from dcgan.runs.folder import RunFolder
from dcgan.wording import last_name, number, plain, short_count

_INK, _SOFT, _LINE = "#1d1f24", "#5c606b", "#e3e1db"
_PANELS = (
    ("Losses", 0.0, (("discriminator_loss", "discriminator", "#c2571a"), ("generator_loss", "generator", "#0b7a75"))),
    ("Mean scores", None, (("real_score", "real", "#5a55c8"), ("fake_score", "generated", "#0b7a75"))),
)


def write_curves(run: RunFolder) -> Path:
    """Write ``curves.png``: the measured points, faint, and their smoothed course; gaps where a loss was no number.

    Raises:
        UserError: The file cannot be written.
    """
    story = read_story(run)
    course = story.course
    figure = Figure(figsize=(11, 4.4), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    source = last_name(plain(story.config.get("data.source", "")))
    title = [source, plain(story.config.get("recipe", "")), f"{story.images_seen:,} images seen"]
    words = ", ".join(part for part in title if part)
    figure.suptitle(words, x=0.012, ha="left", color=_INK, fontsize=13, fontweight="bold", parse_math=False)
    for axes, (name, floor, curves) in zip(figure.subplots(1, 2), _PANELS, strict=True):
        _dress(axes, name, course.unit)
        for column, label, colour in curves:
            _curve(axes, course.positions, course.columns[column], label=label, colour=colour)
        axes.set_ylim(*limits([course.columns[column] for column, _, _ in curves], floor=floor))
        axes.set_xlim(0, max(course.end, 1))
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                frameon=False, labelcolor=_INK, fontsize=9.5, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 0.98)
            )
    write_with(run.curves, lambda path: figure.savefig(path, format="png"))
    return run.curves


def _dress(axes: Axes, name: str, unit: str) -> None:
    axes.set_title(name, loc="left", color=_INK, fontsize=11)
    axes.set_xlabel(unit, color=_SOFT, fontsize=9.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_LINE)
    axes.tick_params(colors=_SOFT, length=0, labelsize=9)
    axes.grid(axis="y", color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))


def _curve(axes: Axes, steps: np.ndarray, values: np.ndarray, *, label: str, colour: str) -> None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return
    steps, values = thin(steps, values)
    label = f"{label} {number(float(finite[-1]))}"
    if len(steps) < 32:
        axes.plot(steps, values, color=colour, linewidth=1.6, marker="o", markersize=2.5, label=label)
        return
    axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.35)
    axes.plot(steps, smooth(values), color=colour, linewidth=1.9, label=label)
