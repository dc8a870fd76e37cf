"""The book's figures: rows of images, curves, and curves that grow while a network trains."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import torch

STYLES = ("-", "m--", "g-.", "r:")
"""How the book draws its curves: it has four styles, and leaves out every curve after the fourth."""
MORE_STYLES = (*STYLES, "c-", "k--", "y-.", "b:")

Axes = Any
"""What Matplotlib calls axes; its own types say little more."""


def use_svg_display() -> None:
    """Make a notebook draw figures as SVG; without effect elsewhere."""
    if _in_notebook():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")  # type: ignore[no-untyped-call]


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size in inches of all figures to come."""
    use_svg_display()
    plt.rcParams["figure.figsize"] = figsize


def show_images(
    imgs: Any, num_rows: int, num_cols: int, titles: Sequence[str] | None = None, scale: float = 1.5
) -> Any:
    """Draw images h w c (0 … 1, or whole numbers to 255) in rows; return their axes."""
    _, axes = plt.subplots(num_rows, num_cols, figsize=(num_cols * scale, num_rows * scale), squeeze=False)
    axes = axes.flatten()
    for index, (each, image) in enumerate(zip(axes, imgs, strict=False)):
        each.imshow(_numbers(image))
        each.axes.get_xaxis().set_visible(False)
        each.axes.get_yaxis().set_visible(False)
        if titles:
            each.set_title(titles[index])
    return axes


def set_axes(axes: Axes, xlabel: Any, ylabel: Any, xlim: Any, ylim: Any, xscale: str, yscale: str, legend: Any) -> None:
    """Set labels, limits, scales and legend of axes, and draw a grid behind them."""
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.set_xscale(xscale)
    axes.set_yscale(yscale)
    axes.set_xlim(None if xlim is not None and xlim[0] == xlim[1] else xlim)  # one epoch: no room between 1 and 1
    axes.set_ylim(ylim)
    if legend:
        axes.legend(legend)
    axes.grid()


def plot(  # the book's order
    X: Any,
    Y: Any = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    legend: Sequence[Any] | None = None,
    xlim: Any = None,
    ylim: Any = None,
    xscale: str = "linear",
    yscale: str = "linear",
    fmts: Sequence[str] = STYLES,
    figsize: tuple[float, float] = (3.5, 2.5),
    axes: Axes = None,
    *,
    faithful: bool = False,
) -> None:
    """Draw one curve, or several over the same points.

    The book draws as many curves as it has styles, four: the chapter's figure of six slopes lacks two of them and
    nothing says so. Here every curve is drawn. ``faithful=True`` draws the book's four.
    """
    use_svg_display()
    plt.rcParams["figure.figsize"] = figsize
    axes = axes if axes is not None else plt.gca()
    points, curves = ([[]], X) if Y is None else (X, Y)
    points, curves = _curves(points), _curves(curves)
    if len(points) != len(curves):
        points = points * len(curves)
    if not faithful and tuple(fmts) == STYLES:
        fmts = MORE_STYLES
    styles = list(fmts) if faithful else [fmts[index % len(fmts)] for index in range(len(curves))]
    axes.cla()
    for x, y, style in zip(points, curves, styles, strict=False):
        axes.plot(*((x, y) if len(x) else (y,)), style)
    set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend)


class Animator:
    """Curves that are drawn again, in place in a notebook, whenever a point is added."""

    def __init__(  # the book's order
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        legend: Sequence[str] | None = None,
        xlim: Any = None,
        ylim: Any = None,
        xscale: str = "linear",
        yscale: str = "linear",
        fmts: Sequence[str] = STYLES,
        nrows: int = 1,
        ncols: int = 1,
        figsize: tuple[float, float] = (3.5, 2.5),
    ) -> None:
        use_svg_display()
        self.fig, axes = plt.subplots(nrows, ncols, figsize=figsize)
        self.axes: Any = [axes] if nrows * ncols == 1 else axes
        self._labels = (xlabel, ylabel, xlim, ylim, xscale, yscale, legend)
        self.X: list[list[float]] | None = None
        self.Y: list[list[float]] | None = None
        self.fmts = fmts

    def add(self, x: Any, y: Any) -> None:
        """Add one point to each curve: ``x`` is shared, or one for each; None leaves a curve as it is."""
        values = list(y) if hasattr(y, "__len__") else [y]
        places = list(x) if hasattr(x, "__len__") else [x] * len(values)
        if self.X is None or self.Y is None:
            self.X, self.Y = [[] for _ in values], [[] for _ in values]
        for index, (place, value) in enumerate(zip(places, values, strict=True)):
            if place is not None and value is not None:
                self.X[index].append(place)
                self.Y[index].append(value)
        self.axes[0].cla()
        for curve_x, curve_y, style in zip(self.X, self.Y, self.fmts, strict=False):
            marker = "o" if len(curve_x) == 1 else ""  # no line goes through a single point
            self.axes[0].plot(curve_x, curve_y, style, marker=marker)
        set_axes(self.axes[0], *self._labels)
        if _in_notebook():
            display: Any = importlib.import_module("IPython.display")

            display.display(self.fig)
            display.clear_output(wait=True)


def _curves(numbers: Any) -> list[Any]:
    """One curve or several as a list of curves."""
    one = getattr(numbers, "ndim", None) == 1 or (isinstance(numbers, list) and not hasattr(numbers[0], "__len__"))
    return [numbers] if one else list(numbers)


def _numbers(image: Any) -> Any:
    """An image that Matplotlib can draw: a tensor as NumPy array, all else as it is."""
    return image.detach().cpu().numpy() if isinstance(image, torch.Tensor) else image


def _in_notebook() -> bool:
    """Whether IPython runs us; it is not imported to find out."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and getattr(ipython, "get_ipython", lambda: None)() is not None
