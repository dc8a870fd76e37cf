"""Real images as a detector sees them: what was trained on, and what samples are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from dcgan.tensors import Features, Labels


@dataclass(frozen=True)
class RealImages:
    """One part of the real images, or a sample of it."""

    split: str
    """``train``, ``held out``, ``test``."""
    features: Features
    """n d, in an order that says nothing about them."""
    groups: Tensor
    """n, int64: near-duplicates share a number, across parts too."""
    labels: Labels | None = None
    total: int | None = None
    """Images in the part; None: those of ``features`` are all of it."""

    def __len__(self) -> int:
        return len(self.features)

    @property
    def is_sample(self) -> bool:
        """Whether the part has more images than these."""
        return self.total is not None and self.total > len(self)


@dataclass(frozen=True)
class Reals:
    """What samples are compared with; at least one of the two parts is there."""

    name: str
    fingerprint: str
    train: RealImages | None
    """What was trained on, or would have been; None: nobody knows where it is."""
    held_out: RealImages | None = None
    """None: nothing is held out, and the training images are all there is to compare with."""
    class_names: Sequence[str] = ()

    @property
    def reference(self) -> RealImages:
        """The part that says most: images that the generator has never seen, if there are any."""
        part = self.held_out or self.train
        assert part is not None, self.name
        return part
