"""The names of the book's library that its Gluon tab uses: ``from d2l import mxnet as d2l``.

They differ from the book's as those of ``dcgan.textbook.torch`` do.
"""

from typing import Any

import matplotlib.pyplot as plt

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.counting import Accumulator, Timer
from dcgan.textbook.figures import Animator, plot, set_axes, set_figsize, show_images, use_svg_display
from dcgan.textbook.gluon import autograd, np, npx
from dcgan.textbook.gluon.arrays import Array, Context
from dcgan.textbook.hub import DATA_HUB, DATA_URL, download, download_extract
from dcgan.textbook.torch import get_dataloader_workers

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
    "numpy",
    "plot",
    "plt",
    "set_axes",
    "set_figsize",
    "show_images",
    "try_gpu",
    "update_D",
    "update_G",
    "use_svg_display",
]

arange = np.arange


def numpy(x: Array) -> Any:
    """Return an array as NumPy array."""
    return x.asnumpy()


def try_gpu(i: int = 0) -> Context:
    """Return GPU number ``i`` if it exists, else the CPU."""
    return npx.gpu(i) if npx.num_gpus() >= i + 1 else npx.cpu()


def update_D(X: Array, Z: Array, net_D: Any, net_G: Any, loss: Any, trainer_D: Any) -> float:
    """Take one step of the discriminator and return its loss, summed over the batch."""
    batch_size = X.shape[0]
    with autograd.record():
        real_Y = net_D(X)
        fake_X = net_G(Z)
        fake_Y = net_D(fake_X.detach())
        loss_D = (loss(real_Y, _filled(1, real_Y)) + loss(fake_Y, _filled(0, fake_Y))) / 2
    loss_D.backward()
    trainer_D.step(batch_size)
    return float(loss_D.detach().sum())


def update_G(Z: Array, net_D: Any, net_G: Any, loss: Any, trainer_G: Any) -> float:
    """Take one step of the generator and return its loss, summed over the batch."""
    batch_size = Z.shape[0]
    with autograd.record():
        fake_X = net_G(Z)
        fake_Y = net_D(fake_X)
        loss_G = loss(fake_Y, _filled(1, fake_Y))
    loss_G.backward()
    trainer_G.step(batch_size)
    return float(loss_G.detach().sum())


def _filled(number: float, like: Array) -> Array:
    return like.detach().new_full(like.size(), number)  # type: ignore[return-value]  # a tensor of the same kind


__getattr__ = refuse_other_names("d2l.mxnet")
