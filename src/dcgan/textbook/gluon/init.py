"""``mxnet.init``: how weights are drawn."""

from dataclasses import dataclass

from torch import Tensor

from dcgan.textbook.absent import refuse_other_names

__all__ = ["Normal", "Uniform"]


@dataclass(frozen=True)
class Normal:
    """Draw from a normal distribution with mean 0."""

    sigma: float = 0.01

    def fill(self, tensor: Tensor) -> None:
        """Draw every number of a tensor."""
        tensor.normal_(0, self.sigma)


@dataclass(frozen=True)
class Uniform:
    """Draw evenly between -scale and scale: what MXNet does if nothing is asked for."""

    scale: float = 0.07

    def fill(self, tensor: Tensor) -> None:
        """Draw every number of a tensor."""
        tensor.uniform_(-self.scale, self.scale)


Initializer = Normal | Uniform

__getattr__ = refuse_other_names("mxnet.init")
