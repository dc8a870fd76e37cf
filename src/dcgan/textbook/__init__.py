"""Run the textbook chapter's own cells without its libraries: d2l, torchvision and MXNet are supplied where missing.

    from dcgan.textbook import torch as d2l
    python -m dcgan.textbook run CHAPTER.md
    %load_ext dcgan.textbook

The chapter is "Deep Convolutional Generative Adversarial Networks" of Dive into Deep Learning (d2l.ai), and its code
imports a library of the book. The modules here have the names, arguments and defaults that its cells use. All of
their code is our own.
"""

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Let the cells of a notebook import d2l, torchvision and mxnet, where they are not installed."""
    from dcgan.textbook.supply import supply_missing

    supply_missing(print)


def unload_ipython_extension(shell: Any) -> None:
    """Stop supplying modules; those that are imported stay."""
    from dcgan.textbook.supply import stop_supplying

    stop_supplying()
