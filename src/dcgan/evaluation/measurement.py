"""A number about a generator, with everything that must be known before it is compared with another."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dcgan.wording import number


@dataclass(frozen=True)
class Protocol:
    """How a number was taken. Two numbers may be compared when all of this but ``seconds`` is the same."""

    detector: str
    num_samples: int
    reference: str
    """Name of the data that the samples are compared with."""
    fingerprint: str
    """Of that data: a hash of its content and of what shaped it."""
    split: str
    """Which part of it: ``train``, ``held out``, ``test``."""
    num_reference: int
    resize: str
    """How images come to the size that the detector looks at."""
    seconds: float
    """What it took, features included."""


@dataclass(frozen=True)
class Measurement:
    """One number and its protocol."""

    name: str
    """With the protocol in it: see ``name_of``."""
    value: float
    protocol: Protocol
    interval: tuple[float, float] | None = None
    """Where the value would lie 95 times in 100, were it measured again. None: not known."""
    floor: float | None = None
    """The same measure between real images and real images, as many, in the same roles. None: too few of them."""

    @property
    def excess(self) -> float | None:
        """How far the value is from what perfect samples would get: the fair thing to compare."""
        return None if self.floor is None else self.value - self.floor

    def to_json(self) -> dict[str, Any]:
        """Plain values, the protocol in a dict of its own."""
        values = asdict(self)
        values["interval"] = None if self.interval is None else list(self.interval)
        return {**values, "excess": self.excess}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Measurement":
        """What ``to_json`` made.

        Raises:
            KeyError, TypeError, ValueError: It made something else.
        """
        interval, floor = values["interval"], values["floor"]
        low_high = None if interval is None else (float(interval[0]), float(interval[1]))
        return cls(
            name=str(values["name"]),
            value=float(values["value"]),
            protocol=Protocol(**values["protocol"]),
            interval=low_high,
            floor=None if floor is None else float(floor),
        )

    def __str__(self) -> str:
        words = [f"{self.name} {number(self.value)}"]
        if self.interval is not None:
            words.append(f"[{number(self.interval[0])} … {number(self.interval[1])}]")
        if self.floor is not None:
            words.append(f"(floor {number(self.floor)})")
        protocol = self.protocol
        reference = f"{protocol.num_reference:,} of {protocol.reference}, {protocol.split}"
        return f"{' '.join(words)}: {protocol.num_samples:,} samples against {reference}"


def name_of(measure: str, detector: str, num_samples: int, num_reference: int | None = None) -> str:
    """``fd_tiny_10k``, ``kid_tiny_1k``; ``kid_tiny_1k_vs_5k`` where there are more than ``num_reference`` real images.

    The Fréchet distance is called FID in the one case that the world calls so.
    """
    measure = "fid" if (measure, detector) == ("fd", "inception") else measure
    against = "" if num_reference is None else f"_vs_{_short(num_reference)}"
    return f"{measure}_{detector}_{_short(num_samples)}{against}"


def _short(count: int) -> str:
    return f"{count // 1000}k" if count % 1000 == 0 and count else str(count)
