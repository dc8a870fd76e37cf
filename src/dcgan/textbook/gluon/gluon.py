"""``mxnet.gluon``: the loss, the optimiser, and the modules below it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional as F

from dcgan.textbook.absent import Part, refuse_other_names
from dcgan.textbook.gluon import data, nn
from dcgan.textbook.gluon.arrays import Array, plain, wrapped
from dcgan.textbook.gluon.parameters import Parameter
from dcgan.training.mxnet_adam import MxnetAdam, c_float

__all__ = ["Trainer", "data", "loss", "nn"]


class SigmoidBCELoss:
    """Binary cross-entropy of logits: one number for each image, the mean over all its scores."""

    def __call__(self, pred: Array, label: Array) -> Array:
        """Return n losses."""
        scores, targets = plain(pred), plain(label).reshape(pred.shape)
        losses = F.binary_cross_entropy_with_logits(scores, targets, reduction="none")
        return wrapped(losses.flatten(1).mean(1) if losses.dim() > 1 else losses)


loss = Part("mxnet.gluon.loss", SigmoidBCELoss=SigmoidBCELoss, SigmoidBinaryCrossEntropyLoss=SigmoidBCELoss)


class Trainer:
    """Adam on all parameters that have gradients.

    ``optimizer_params``: ``learning_rate`` (0.001), ``beta1`` (0.9), ``beta2`` (0.999) and ``epsilon`` (1e-8).
    """

    def __init__(
        self, params: Mapping[str, Parameter], optimizer: str, optimizer_params: Mapping[str, Any] | None = None
    ) -> None:
        if optimizer != "adam":
            raise ValueError(f"optimizer {optimizer!r}: not part of this chapter. Expected 'adam'.")
        self._params = [parameter for parameter in params.values() if parameter.trained]
        self._settings = {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
        unknown = set(optimizer_params or {}) - set(self._settings)
        if unknown:
            raise TypeError(f"{', '.join(unknown)}: not part of this chapter. Known: {', '.join(self._settings)}.")
        self._settings |= optimizer_params or {}
        self.optimizer: MxnetAdam | None = None

    @property
    def learning_rate(self) -> float:
        """The rate of the steps to come."""
        return self._settings["learning_rate"]

    def step(self, batch_size: int) -> None:
        """Divide every gradient by the batch's size and update the weights."""
        tensors = [parameter.tensor() for parameter in self._params]
        if self.optimizer is None:  # with the first step all shapes are known
            rate = torch.tensor(self.learning_rate, dtype=torch.float64)
            betas = (self._settings["beta1"], self._settings["beta2"])
            self.optimizer = MxnetAdam(tensors, rate, betas, self._settings["epsilon"])
        for tensor in tensors:
            assert tensor.grad is not None, "step() comes after backward()"
            tensor.grad.mul_(c_float(1 / batch_size))
        self.optimizer.step()


__getattr__ = refuse_other_names("mxnet.gluon")
