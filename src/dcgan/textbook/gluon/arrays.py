"""MXNet's arrays and devices: tensors that also answer to MXNet's method names."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dcgan.textbook.gluon import tape


@dataclass(frozen=True)
class Context:
    """A device: ``cpu(0)`` or ``gpu(0)``."""

    device_type: str
    device_id: int = 0

    @property
    def device(self) -> torch.device:
        """The same device as torch names it."""
        return torch.device("cpu") if self.device_type == "cpu" else torch.device("cuda", self.device_id)

    def __str__(self) -> str:
        return f"{self.device_type}({self.device_id})"

    __repr__ = __str__


def cpu(device_id: int = 0) -> Context:
    """Return the processor as a device."""
    return Context("cpu", device_id)


def gpu(device_id: int = 0) -> Context:
    """Return a GPU as a device."""
    return Context("gpu", device_id)


class Array(Tensor):
    """A tensor with MXNet's names for what the chapter does to arrays."""

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Length of each axis, as a plain tuple."""
        return tuple(self.size())

    def transpose(self, *axes: int) -> "Array":
        """Reorder the axes; reverse them if none are given."""
        return wrapped(plain(self).permute(axes or tuple(reversed(range(self.dim())))))

    def as_in_ctx(self, ctx: Context) -> "Array":
        """Return the array on a device."""
        return wrapped(plain(self).to(ctx.device))

    def asnumpy(self) -> Any:
        """Return a copy as NumPy array."""
        return plain(self).detach().cpu().numpy().copy()

    def astype(self, dtype: Any) -> "Array":
        """Return the array in another type."""
        return wrapped(plain(self).to(dtype_of(dtype)))

    def backward(self, *_: Any) -> None:
        """Replace the gradients of every parameter that took part by those of the sum of this array."""
        for parameter in tape.used():
            parameter.grad = None
        plain(self).sum().backward()  # type: ignore[no-untyped-call]


def wrapped(tensor: Tensor) -> Array:
    """The tensor as an array; the same numbers in the same place."""
    return tensor.as_subclass(Array)


def plain(array: Tensor) -> Tensor:
    """The array as a tensor without MXNet's names."""
    return array.as_subclass(Tensor)


def dtype_of(dtype: Any) -> torch.dtype:
    """A type by MXNet's or NumPy's name for it; None is float32."""
    if isinstance(dtype, torch.dtype):
        return dtype
    name = "float32" if dtype is None else getattr(dtype, "__name__", str(dtype))
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise TypeError(f"dtype {name}: not part of this chapter. Expected float32, float64, uint8 or int64.")
    return found
