"""A stopwatch and running sums, as the book's training loops use them."""

import time
from typing import Any

import torch


class Timer:
    """A stopwatch that runs from the start and keeps every time it measured, in seconds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.start()

    def start(self) -> None:
        """Start from zero."""
        self.tik = time.time()

    def stop(self) -> float:
        """Record and return the seconds since the last start."""
        self.times.append(time.time() - self.tik)
        return self.times[-1]

    def avg(self) -> float:
        """Return the mean of all times."""
        return sum(self.times) / len(self.times)

    def sum(self) -> float:
        """Return the sum of all times."""
        return sum(self.times)

    def cumsum(self) -> list[float]:
        """Return the sum of all times up to each of them."""
        return [sum(self.times[: count + 1]) for count in range(len(self.times))]


class Accumulator:
    """``n`` sums that grow together.

    A tensor that still needs its gradient is detached first: the book's version makes PyTorch warn at every step.
    """

    def __init__(self, n: int) -> None:
        self.data = [0.0] * n

    def add(self, *args: Any) -> None:
        """Add one number to each sum."""
        self.data = [before + float(_detached(number)) for before, number in zip(self.data, args, strict=False)]

    def reset(self) -> None:
        """Set every sum to zero."""
        self.data = [0.0] * len(self.data)

    def __getitem__(self, idx: int) -> float:
        return self.data[idx]


def _detached(number: Any) -> Any:
    return number.detach() if isinstance(number, torch.Tensor) else number
