"""Everything that must survive a restart, on one list.

Random draws and the order of the data are functions of ``images_seen``, so no generator state is on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from dcgan.models.build import AnyDiscriminator, AnyGenerator
from dcgan.runs.tensor_file import require_fit
from dcgan.training.augment import StrengthController

NUM_SUMS = 5  # images, then the four numbers of a StepReport times images


@dataclass
class TrainingState:
    """Two networks, the average of one, both optimisers, and how far they have come."""

    generator: AnyGenerator
    discriminator: AnyDiscriminator
    average: AnyGenerator | None
    generator_optimizer: Optimizer
    discriminator_optimizer: Optimizer
    controller: StrengthController | None = None
    """Of the augmentation, where it is adaptive."""
    images_seen: int = 0
    attempt: int = 0
    """Times that training was rolled back: another attempt sees other draws."""
    seconds: float = 0.0
    """Training time over all starts."""
    epoch_seconds: float = 0.0
    """Of the current epoch."""
    journal_sums: Tensor = field(default_factory=lambda: torch.zeros(NUM_SUMS))
    """Since the last line of the journal."""
    epoch_sums: Tensor = field(default_factory=lambda: torch.zeros(NUM_SUMS))
    """Since the start of the epoch."""

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor by name; reading them synchronises the device."""
        named = {
            **_weights("generator", self.generator),
            **_weights("discriminator", self.discriminator),
            **_moments("generator", self.generator, self.generator_optimizer),
            **_moments("discriminator", self.discriminator, self.discriminator_optimizer),
            "sums.journal": self.journal_sums,
            "sums.epoch": self.epoch_sums,
            **({} if self.controller is None else self.controller.tensors()),
        }
        return named if self.average is None else named | _weights("average", self.average)

    def facts(self) -> dict[str, Any]:
        """Every plain number by name."""
        return {
            "images_seen": self.images_seen,
            "attempt": self.attempt,
            "seconds": self.seconds,
            "epoch_seconds": self.epoch_seconds,
        }

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Become what ``tensors()`` and ``facts()`` told of another state of the same networks.

        Raises:
            UserError: It was of other networks; nothing is changed.
        """
        prepare_moments(self.generator, self.generator_optimizer)
        prepare_moments(self.discriminator, self.discriminator_optimizer)
        own = self.tensors()
        require_fit(own, tensors, "The checkpoint")
        for name, tensor in own.items():
            tensor.copy_(tensors[name])
        self.images_seen, self.attempt = facts["images_seen"], facts["attempt"]
        self.seconds, self.epoch_seconds = facts["seconds"], facts["epoch_seconds"]

    @property
    def untouched(self) -> bool:
        """Whether these are the first weights, with nothing learned and nothing gone wrong yet."""
        return self.images_seen == 0 and self.attempt == 0

    def first_broken(self) -> str | None:
        """The name of a tensor that holds a NaN or an infinity, if any does."""
        return next((name for name, tensor in self.tensors().items() if not torch.isfinite(tensor).all()), None)


def prepare_moments(network: nn.Module, optimizer: Optimizer) -> None:
    """Give Adam the zeros that it would make itself at its first step, so that there is something to restore into."""
    for parameter in network.parameters():
        if parameter not in optimizer.state:
            optimizer.state[parameter] = {
                "step": torch.zeros((), dtype=torch.float32, device=parameter.device),
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }


def _weights(name: str, network: nn.Module) -> dict[str, Tensor]:
    return {f"{name}.{key}": tensor for key, tensor in network.state_dict().items()}


def _moments(name: str, network: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    return {
        f"{name}_optimizer.{path}.{key}": tensor
        for path, parameter in network.named_parameters()
        for key, tensor in optimizer.state[parameter].items()
    }
