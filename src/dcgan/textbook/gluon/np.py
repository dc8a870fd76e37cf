"""``mxnet.np``: arrays with NumPy's names, float32 unless another type is asked for."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy
import torch

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.gluon.arrays import Array, Context, cpu, dtype_of, wrapped

__all__ = ["arange", "array", "concatenate", "dot", "ones", "random", "zeros"]

Shape = int | Sequence[int]


def array(object: Any, dtype: Any = None, ctx: Context | None = None) -> Array:
    """Return numbers as an array."""
    return wrapped(torch.as_tensor(numpy.asarray(object)).to((ctx or cpu()).device, dtype_of(dtype), copy=True))


def zeros(shape: Shape, dtype: Any = None, ctx: Context | None = None) -> Array:
    """Return an array of zeros."""
    return wrapped(torch.zeros(shape, dtype=dtype_of(dtype), device=(ctx or cpu()).device))


def ones(shape: Shape, dtype: Any = None, ctx: Context | None = None) -> Array:
    """Return an array of ones."""
    return wrapped(torch.ones(shape, dtype=dtype_of(dtype), device=(ctx or cpu()).device))


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Array:
    """Return numbers from ``start`` up to, but without, ``stop``."""
    first, last = (0, start) if stop is None else (start, stop)
    return wrapped(torch.arange(first, last, step, dtype=dtype_of(dtype)))


def concatenate(seq: Sequence[Array], axis: int = 0) -> Array:
    """Return arrays one behind the other along an axis."""
    return wrapped(torch.cat(list(seq), dim=axis))


def dot(a: Array, b: Array) -> Array:
    """Return the matrix product."""
    return wrapped(torch.matmul(a, b))


def _normal(loc: float = 0.0, scale: float = 1.0, size: Shape | None = None, ctx: Context | None = None) -> Array:
    """Draw from a normal distribution, float32."""
    return wrapped(torch.normal(loc, scale, tuple([size] if isinstance(size, int) else size or ()))).as_in_ctx(
        ctx or cpu()
    )


random = SimpleNamespace(normal=_normal)
float32, float64, uint8 = torch.float32, torch.float64, torch.uint8

__getattr__ = refuse_other_names("mxnet.np")
