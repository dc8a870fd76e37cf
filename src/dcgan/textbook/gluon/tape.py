"""Whether operations are being recorded, and which parameters took part since recording began."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

_recording = False
_used: dict[int, Tensor] = {}


@contextmanager
def record() -> Iterator[None]:
    """Record what is computed inside, for ``backward``; layers behave as in training."""
    global _recording  # noqa: PLW0603  # MXNet's recording belongs to the program, too
    before = _recording
    if not before:
        _used.clear()
    _recording = True
    try:
        yield
    finally:
        _recording = before


def is_recording() -> bool:
    """Whether a ``with autograd.record()`` is around."""
    return _recording


def use(parameter: Tensor) -> Tensor:
    """Note that a parameter takes part, and return it."""
    if _recording:
        _used[id(parameter)] = parameter
    return parameter


def used() -> list[Tensor]:
    """The parameters that took part since recording began."""
    return list(_used.values())
