"""Pictures that training does not wait for: on CUDA they are drawn beside it, on a stream of their own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch

from dcgan.tensors import Pixels


@dataclass(frozen=True)
class Drawing:
    """A picture in the making."""

    pixels: Pixels
    """On the host, once they are ``drawn``."""
    finish: Callable[[Pixels], bytes]
    """From the pixels to a PNG."""
    drawn: torch.cuda.Event | None = None
    """None: they are."""
    materials: tuple[object, ...] = ()
    """What the device reads meanwhile, and nobody else may write over."""

    @property
    def is_there(self) -> bool:
        """Whether nobody would have to wait for it."""
        return self.drawn is None or bool(self.drawn.query())  # type: ignore[no-untyped-call]

    @cached_property
    def png(self) -> bytes:
        """The picture; waits until it is there."""
        if self.drawn is not None:
            self.drawn.synchronize()
        return self.finish(self.pixels)


class Easel:
    """Where pictures are drawn while training goes on."""

    def __init__(self, device: torch.device) -> None:
        on_cuda = device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if on_cuda else None  # type: ignore[no-untyped-call]

    def draw(self, paint: Callable[[], Pixels], finish: Callable[[Pixels], bytes]) -> Drawing:
        """Begin a picture, which elsewhere than on CUDA is then drawn.

        ``paint`` reads nothing that training writes, such as weights of which it has no copy, and waits for nothing.
        """
        if self._stream is None:
            return Drawing(paint().cpu(), finish)
        self._stream.wait_stream(
            torch.cuda.current_stream(self._stream.device)
        )  # what is to be read is still being copied
        with torch.cuda.stream(self._stream):
            there = paint()
            here = torch.empty(there.shape, dtype=there.dtype, pin_memory=True).copy_(there, non_blocking=True)
            return Drawing(here, finish, self._stream.record_event(), (paint, there))
