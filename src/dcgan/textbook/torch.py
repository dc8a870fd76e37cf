"""The names of the book's library that its PyTorch tab uses: ``from dcgan.textbook import torch as d2l``.

Differences from the book, each on purpose:
 * a download is checked, extracted only inside its folder, and never fetched twice (``dcgan.textbook.hub``);
 * ``plot`` draws every curve (``faithful=True``: the first four, as the book does);
 * ``get_dataloader_workers`` never says more than this machine has processors, where the book says 4;
 * ``numpy`` takes tensors of any device.
"""

import os
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.counting import Accumulator, Timer
from dcgan.textbook.figures import Animator, plot, set_axes, set_figsize, show_images, use_svg_display
from dcgan.textbook.hub import DATA_HUB, DATA_URL, download, download_extract

__all__ = [
    "DATA_HUB",
    "DATA_URL",
    "Accumulator",
    "Animator",
    "Timer",
    "arange",
    "download",
    "download_extract",
    "get_dataloader_workers",
    "load_array",
    "matmul",
    "normal",
    "numpy",
    "plot",
    "plt",
    "set_axes",
    "set_figsize",
    "show_images",
    "synthetic_data",
    "tensor",
    "try_gpu",
    "update_D",
    "update_G",
    "use_svg_display",
]

arange, matmul, normal, tensor = torch.arange, torch.matmul, torch.normal, torch.tensor

Loss = Any
"""A module or function of scores and targets."""


def numpy(x: Tensor) -> Any:
    """Return a tensor as NumPy array, without its gradient."""
    return x.detach().cpu().numpy()


def try_gpu(i: int = 0) -> torch.device:
    """Return GPU number ``i`` if it exists, else the CPU."""
    return torch.device(f"cuda:{i}") if torch.cuda.device_count() >= i + 1 else torch.device("cpu")


def get_dataloader_workers() -> int:
    """Return how many processes read data: four, or as many as there are processors."""
    return min(4, os.cpu_count() or 1)


def load_array(
    data_arrays: tuple[Tensor, ...], batch_size: int, is_train: bool = True
) -> torch.utils.data.DataLoader[tuple[Tensor, ...]]:
    """Return batches of tensors that belong together row by row, shuffled for training."""
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data_arrays), batch_size, shuffle=is_train)


def synthetic_data(w: Tensor, b: float, num_examples: int) -> tuple[Tensor, Tensor]:
    """Draw ``X`` and ``y = X w + b + noise`` with noise of standard deviation 0.01."""
    X = torch.normal(0, 1, (num_examples, len(w)))
    y = torch.matmul(X, w) + b
    y += torch.normal(0, 0.01, y.shape)
    return X, y.reshape((-1, 1))


def update_D(
    X: Tensor, Z: Tensor, net_D: nn.Module, net_G: nn.Module, loss: Loss, trainer_D: torch.optim.Optimizer
) -> Tensor:  # the book's order
    """Take one step of the discriminator and return its loss: the mean of its real and its fake half.

    Real and generated images pass ``net_D`` in separate batches, and ``net_G`` gets no gradient.
    """
    trainer_D.zero_grad()
    real_Y = net_D(X)
    fake_X = net_G(Z)
    fake_Y = net_D(fake_X.detach())
    loss_D: Tensor = (loss(real_Y, torch.ones_like(real_Y)) + loss(fake_Y, torch.zeros_like(fake_Y))) / 2
    loss_D.backward()  # type: ignore[no-untyped-call]
    trainer_D.step()
    return loss_D


def update_G(Z: Tensor, net_D: nn.Module, net_G: nn.Module, loss: Loss, trainer_G: torch.optim.Optimizer) -> Tensor:
    """Take one step of the generator and return its loss: how far ``net_D`` is from taking its images for real."""
    trainer_G.zero_grad()
    fake_X = net_G(Z)  # again: update_D kept nothing of it
    fake_Y = net_D(fake_X)
    loss_G: Tensor = loss(fake_Y, torch.ones_like(fake_Y))
    loss_G.backward()  # type: ignore[no-untyped-call]
    trainer_G.step()
    return loss_G


__getattr__ = refuse_other_names("d2l.torch")
