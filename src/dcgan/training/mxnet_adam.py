"""Adam as MXNet 1.9.1 computes it (``adam_update`` and ``gluon.Trainer``), on torch's fused kernel.

Kingma, Ba 2015 (arXiv 1412.6980), section 2, last paragraph: the bias correction is part of the rate, so that epsilon
stands beside the uncorrected root. Beta 2, epsilon and the corrected rate are rounded to float32 first. torch divides
by the corrected root: with another rate and another epsilon at each step both are the same numbers.
"""

import inspect
import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam


def c_float(number: float) -> float:
    """A number rounded to float32, as MXNet hands it to its kernels."""
    return float(np.float32(number))


class MxnetAdam(Adam):
    """MXNet's Adam; its learning rate is a tensor that can be refilled, as that of ``training.accelerate.adam``."""

    add_param_group = inspect.unwrap(Adam.add_param_group)
    zero_grad = inspect.unwrap(Adam.zero_grad)

    def __init__(self, params: Iterable[Tensor], lr: Tensor, betas: tuple[float, float], eps: float = 1e-8) -> None:
        self._beta2 = betas[1]
        super().__init__(params, lr=lr, betas=(betas[0], c_float(betas[1])), eps=c_float(eps), fused=True)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # nobody needs the loss again
        """Update every weight once."""
        (group,) = self.param_groups
        count = 1 + _steps_taken(self, group["params"])
        rate, epsilon, beta1 = float(group["lr"]), group["eps"], group["betas"][0]
        root = math.sqrt(1 - group["betas"][1] ** count)  # torch's divisor
        corrected = c_float(rate * math.sqrt(1 - self._beta2**count) / (1 - beta1**count))
        group["lr"].fill_(corrected * (1 - beta1**count) / root)
        group["eps"] = epsilon / root
        inspect.unwrap(Adam.step)(self)
        group["lr"].fill_(rate)
        group["eps"] = epsilon


def _steps_taken(optimizer: Adam, parameters: list[Tensor]) -> int:
    state = optimizer.state[parameters[0]]
    return int(state["step"]) if "step" in state else 0
