"""``mxnet.npx``: devices, and the switch to NumPy's names."""

import torch

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.gluon.arrays import Array, cpu, gpu, wrapped

__all__ = ["cpu", "gpu", "num_gpus", "relu", "set_np"]


def set_np() -> None:
    """Choose NumPy's meaning of names, which is the only one here."""


def num_gpus() -> int:
    """Return the number of GPUs."""
    return torch.cuda.device_count()


def relu(data: Array) -> Array:
    """Return max(x, 0) of every number."""
    return wrapped(torch.relu(data))


__getattr__ = refuse_other_names("mxnet.npx")
