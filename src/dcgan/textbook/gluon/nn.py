"""``mxnet.gluon.nn``: the chapter's layers."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.gluon import tape
from dcgan.textbook.gluon.arrays import Array, Context, plain, wrapped
from dcgan.textbook.gluon.init import Initializer
from dcgan.textbook.gluon.parameters import Parameter
from dcgan.training.mxnet_adam import c_float

__all__ = ["Activation", "BatchNorm", "Block", "Conv2D", "Conv2DTranspose", "Dense", "LeakyReLU", "Sequential"]

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
Pair = int | tuple[int, int]


class Block:
    """A layer or network: its parameters and blocks are the attributes that hold such."""

    def __init__(self, **_: Any) -> None:
        self._parts: dict[str, Block | Parameter] = {}

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Block | Parameter):
            self._parts[name] = value
        super().__setattr__(name, value)

    def __call__(self, *arguments: Any) -> Any:
        """Compute the result, with gradients while recording."""
        with torch.set_grad_enabled(tape.is_recording()):
            return self.forward(*arguments)

    def forward(self, *arguments: Any) -> Any:
        """Compute the result; each network says how."""
        raise NotImplementedError(f"{type(self).__name__} has no forward.")

    def initialize(
        self, init: Initializer | None = None, ctx: Context | None = None, force_reinit: bool = False, **_: Any
    ) -> None:
        """Draw all weights. A second call changes nothing unless ``force_reinit``."""
        for parameter in self.collect_params().values():
            parameter.initialize(init, ctx, force_reinit)

    def collect_params(self) -> dict[str, Parameter]:
        """Return every parameter by its place: ``0.conv2d_trans.weight``."""
        found: dict[str, Parameter] = {}
        for name, part in self._parts.items():
            below = {name: part} if isinstance(part, Parameter) else part.collect_params()
            found |= below if isinstance(part, Parameter) else {f"{name}.{key}": each for key, each in below.items()}
        return found

    def cast(self, dtype: Any) -> None:
        """Change the type of all numbers."""
        for parameter in self.collect_params().values():
            parameter.cast(dtype)


class Sequential(Block):
    """Blocks one after the other."""

    def add(self, *blocks: Block) -> None:
        """Add blocks at the end."""
        for block in blocks:
            self._parts[str(len(self._parts))] = block

    def forward(self, x: Any) -> Any:
        """Pass through all blocks."""
        for block in self:
            x = block(x)
        return x

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parts.values())

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, index: int) -> Any:
        return list(self._parts.values())[index]


class _Weighted(Block):
    """A layer with a weight and perhaps a bias, and perhaps an activation after it."""

    def __init__(self, channels: int, use_bias: bool, activation: str | None) -> None:
        super().__init__()
        self._channels = channels
        self.weight = Parameter()
        self.bias = Parameter((channels,), value=0) if use_bias else None
        self._activation = _named(activation) if activation else None

    def _finished(self, y: Tensor) -> Array:
        return wrapped(self._activation(y) if self._activation else y)

    def _offset(self) -> Tensor | None:
        return None if self.bias is None else self.bias.tensor()


class Conv2D(_Weighted):
    """A convolution; the number of input channels is that of the first batch."""

    def __init__(
        self,
        channels: int,
        kernel_size: Pair,
        strides: Pair = 1,
        padding: Pair = 0,
        *,
        activation: str | None = None,
        use_bias: bool = True,
    ) -> None:
        super().__init__(channels, use_bias, activation)
        self._kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self._strides, self._padding = strides, padding

    def forward(self, x: Array) -> Array:
        """Return n, ``channels``, smaller height and width."""
        self.weight.settle((self._channels, x.size(1), *self._kernel))
        return self._finished(F.conv2d(plain(x), self.weight.tensor(), self._offset(), self._strides, self._padding))


class Conv2DTranspose(Conv2D):
    """A transposed convolution; the number of input channels is that of the first batch."""

    def forward(self, x: Array) -> Array:
        """Return n, ``channels``, greater height and width."""
        self.weight.settle((x.size(1), self._channels, *self._kernel))
        y = F.conv_transpose2d(plain(x), self.weight.tensor(), self._offset(), self._strides, self._padding)
        return self._finished(y)


class Dense(_Weighted):
    """A matrix product; the number of input features is that of the first batch."""

    def __init__(self, units: int, activation: str | None = None, use_bias: bool = True) -> None:
        super().__init__(units, use_bias, activation)

    def forward(self, x: Array) -> Array:
        """Return n, ``units``."""
        flat = plain(x).flatten(1)
        self.weight.settle((self._channels, flat.size(1)))
        return self._finished(F.linear(flat, self.weight.tensor(), self._offset()))


class BatchNorm(Block):
    """Batch normalisation whose running statistics move when ``backward`` passes, last batch first."""

    def __init__(self, axis: int = 1, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        super().__init__()
        if axis != 1:
            raise NotImplementedError("BatchNorm(axis=…): not part of this chapter; channels are axis 1.")
        self._kept, self._epsilon = c_float(momentum), epsilon
        self.gamma = Parameter(value=1)
        self.beta = Parameter(value=0)
        self.running_mean = Parameter(value=0, trained=False)
        self.running_var = Parameter(value=1, trained=False)

    def forward(self, x: Array) -> Array:
        """Normalise by the batch while recording, else by the running statistics."""
        for parameter in (self.gamma, self.beta, self.running_mean, self.running_var):
            parameter.settle((x.size(1),))
        features, gain, offset = plain(x), self.gamma.tensor(), self.beta.tensor()
        mean, variance = self.running_mean.tensor(), self.running_var.tensor()
        if not tape.is_recording():
            return wrapped(F.batch_norm(features, mean, variance, gain, offset, False, 0, self._epsilon))
        y = F.batch_norm(features, None, None, gain, offset, True, 0, self._epsilon)
        axes = [axis for axis in range(features.dim()) if axis != 1]
        var, now = torch.var_mean(features.detach(), axes, correction=0)
        y.register_hook(lambda gradient: self._move(now, var))  # type: ignore[no-untyped-call]
        return wrapped(y)

    def _move(self, mean: Tensor, variance: Tensor) -> None:
        for running, now in ((self.running_mean, mean), (self.running_var, variance)):
            running.tensor().mul_(self._kept).add_(now, alpha=1 - self._kept)


class Activation(Block):
    """A function of every number by its name."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self._function = _named(activation)

    def forward(self, x: Array) -> Array:
        """Apply it."""
        return wrapped(self._function(plain(x)))


class LeakyReLU(Block):
    """Return x where it is positive, else alpha x."""

    def __init__(self, alpha: float) -> None:
        super().__init__()
        self._alpha = alpha

    def forward(self, x: Array) -> Array:
        """Apply it."""
        return wrapped(F.leaky_relu(plain(x), self._alpha))


def _named(activation: str) -> Callable[[Tensor], Tensor]:
    if activation not in _ACTIVATIONS:
        known = ", ".join(_ACTIVATIONS)
        raise ValueError(f"activation {activation!r}: not part of this chapter. Expected one of {known}.")
    return _ACTIVATIONS[activation]


__getattr__ = refuse_other_names("mxnet.gluon.nn")
