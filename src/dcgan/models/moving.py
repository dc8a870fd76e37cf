"""Batch normalisation whose running statistics move in the backward pass, as MXNet's do on a processor.

What torch moves in the forward pass, by the unbiased variance, moves here when the gradient of a batch arrives, by the
biased variance (MXNet 1.9.1, src/operator/nn/batch_norm.cc). So the last of several batches comes first, and a batch
whose gradient never arrives moves nothing: that of the fakes in the discriminator's turn, for the generator.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BackwardNorm2d(nn.BatchNorm2d):
    """Batch normalisation that moves its running statistics when ``backward`` passes; without gradients, as torch."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise by the batch in training, by the running statistics in inference."""
        if not (self.training and torch.is_grad_enabled()):
            return super().forward(input)
        variance, mean = torch.var_mean(input.detach(), (0, 2, 3), correction=0)
        output = F.batch_norm(input, None, None, self.weight, self.bias, True, 0, self.eps)
        output.register_hook(lambda gradient: self._move(mean, variance))  # type: ignore[no-untyped-call]
        return output

    def _move(self, mean: Tensor, variance: Tensor) -> None:
        assert self.momentum is not None and self.running_mean is not None and self.running_var is not None
        kept = float(torch.tensor(1 - self.momentum, dtype=torch.float32))  # MXNet hands it on as a C float
        self.running_mean.mul_(kept).add_(mean, alpha=1 - kept)
        self.running_var.mul_(kept).add_(variance, alpha=1 - kept)


def move_as_asked(network: nn.Module, when: str) -> None:
    """Replace the network's batch normalisation, if ``when`` is ``"backward"``."""
    for module in list(network.modules()) if when == "backward" else ():
        for name, norm in module.named_children():
            if isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, BackwardNorm2d(norm.num_features, momentum=norm.momentum))
