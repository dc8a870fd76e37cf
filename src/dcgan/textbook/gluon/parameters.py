"""A layer's weights, which may wait for the first batch to know their shape."""

from typing import Any

import torch
from torch import Tensor

from dcgan.textbook.gluon import tape
from dcgan.textbook.gluon.arrays import Array, Context, cpu, dtype_of, plain, wrapped
from dcgan.textbook.gluon.init import Initializer, Uniform


class Parameter:
    """One tensor of a layer.

    ``value``: what it starts with, whatever initialiser is asked for; None: drawn. ``trained``: has a gradient.
    """

    def __init__(
        self, shape: tuple[int, ...] | None = None, *, value: float | None = None, trained: bool = True
    ) -> None:
        self.shape = shape
        self.trained = trained
        self._value = value
        self._tensor: Tensor | None = None
        self._planned: tuple[Initializer, Context] | None = None

    def initialize(self, init: Initializer | None, ctx: Context | None, force_reinit: bool) -> None:
        """Draw it now, or as soon as its shape is known; one that has numbers keeps them unless forced."""
        if force_reinit or (self._tensor is None and self._planned is None):
            self._planned = (init or Uniform(), ctx or cpu())
            if self.shape is not None:
                self.settle(self.shape)

    def settle(self, shape: tuple[int, ...]) -> None:
        """Draw it in this shape if that is still to be done."""
        if self._planned is None:
            if self._tensor is None:
                raise RuntimeError("This layer has no weights yet. Call initialize() of the network first.")
            return
        init, ctx = self._planned
        dtype = torch.float32 if self._tensor is None else self._tensor.dtype
        tensor = torch.empty(shape, dtype=dtype, device=ctx.device)
        with torch.no_grad():
            init.fill(tensor) if self._value is None else tensor.fill_(self._value)
        self.shape, self._planned = shape, None
        self._tensor = tensor.requires_grad_(self.trained)

    def tensor(self) -> Tensor:
        """Return the tensor itself, noted for ``backward``."""
        if self._tensor is None:
            raise RuntimeError("This parameter has no numbers yet: they come with the first batch after initialize().")
        return tape.use(self._tensor) if self.trained else self._tensor

    def data(self) -> Array:
        """Return its numbers."""
        return wrapped(self.tensor().detach())

    def grad(self) -> Array:
        """Return what the last ``backward`` left."""
        gradient = self.tensor().grad
        assert gradient is not None, "no backward has passed here"
        return wrapped(gradient)

    def set_data(self, data: Any) -> None:
        """Replace its numbers, and its shape if it has none yet."""
        new = plain(torch.as_tensor(data)).detach().clone()
        if self._tensor is None or self._planned is not None:
            self.shape, self._planned, self._tensor = tuple(new.shape), None, new.requires_grad_(self.trained)
        else:
            with torch.no_grad():
                self._tensor.copy_(new)

    def cast(self, dtype: Any) -> None:
        """Change its type."""
        if self._tensor is not None:
            self._tensor = self._tensor.detach().to(dtype_of(dtype)).requires_grad_(self.trained)
