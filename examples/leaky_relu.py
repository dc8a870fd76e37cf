"""Draw the leaky ReLU for six slopes: x where x is positive, slope times x elsewhere.

    python examples/leaky_relu.py --out leaky_relu.png

A slope of 0 is the plain ReLU, whose gradient is 0 wherever it is switched off; a slope of 1 bends nothing and would
make the whole network linear. DCGAN discriminators sit between them, at 0.2. The six curves are one and the same line
on the right, so each is drawn a little narrower than the one below it, and all of them can be seen everywhere.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import torch
from torch import Tensor
from torch.nn import functional as F

mpl.use("Agg")  # pictures go to files, whether or not there is a screen; must come before pyplot
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

SLOPES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def curves() -> tuple[Tensor, dict[float, Tensor]]:
    """x from -2 to 0.9 in steps of a tenth, and y for each slope."""
    x = torch.arange(-20, 10) / 10  # whole numbers first, so that 0 is exactly 0 and the last one is 0.9
    return x, {slope: F.leaky_relu(x, slope) for slope in SLOPES}


def draw() -> Figure:
    """All six curves in one picture, told apart by colour and by width."""
    x, y = curves()
    figure, axes = plt.subplots(figsize=(6, 4))
    colours = plt.get_cmap("viridis")(torch.linspace(0, 1, len(SLOPES)).tolist())  # also told apart in grey
    widths = torch.linspace(12, 1.5, len(SLOPES)).tolist()
    for slope, colour, width in zip(SLOPES, colours, widths, strict=True):
        axes.plot(
            x.tolist(), y[slope].tolist(), color=colour, linewidth=width, solid_capstyle="butt", label=f"{slope:g}"
        )
    axes.set(xlabel="x", ylabel="leaky ReLU(x)")
    axes.grid(alpha=0.3)
    axes.legend(title="slope")
    figure.tight_layout()
    return figure


def main() -> None:
    """Read the command line, then draw."""
    parser = argparse.ArgumentParser(description="Draw the leaky ReLU for six slopes.")
    parser.add_argument("--out", type=Path, default=Path("leaky_relu.png"), help="the picture (%(default)s)")
    draw().savefig(parser.parse_args().out, dpi=120)


if __name__ == "__main__":
    main()
