"""What the chapter says of an epoch: its mean losses and its speed."""

from collections.abc import Mapping

from torch import Tensor

from dcgan.hardware import numbered
from dcgan.training.step import StepReport


def means_of(sums: Tensor) -> dict[str, float]:
    """What a run sums up over images (their number first), as means."""
    images, *totals = sums.tolist()
    return dict(zip(StepReport._fields[1:], (total / images for total in totals), strict=True))


def facts_of(sums: Tensor, seconds: float) -> dict[str, float]:
    """Of an epoch of so many seconds."""
    return {"images_per_second": round(float(sums[0]) / seconds, 1), **means_of(sums)}


def line_of(facts: Mapping[str, float], device: str) -> str:
    """The line with which the chapter's training ends."""
    losses = f"loss_D {facts['discriminator_loss']:.3f}, loss_G {facts['generator_loss']:.3f}"
    return f"{losses}, {facts['images_per_second']:.1f} examples/sec on {numbered(device)}"
