"""Large files and images are held one at a time: each of them may take half a gigabyte."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

LARGE_BYTES = 40_000_000  # ten million pixels


class _Own(threading.local):
    """What this thread is doing."""

    depth = 0
    waited = False


_own = _Own()
_lock = threading.Lock()  # one for the process, as its memory is


@contextmanager
def turn() -> Iterator[None]:
    """Whoever waits for its turn within this block has it until the outermost one ends."""
    _own.depth += 1
    try:
        yield
    finally:
        _own.depth -= 1
        if _own.waited and _own.depth == 0:
            _own.waited = False
            _lock.release()


def wait_if_large(num_bytes: int) -> None:
    """Before taking so many bytes, wait until no other thread has its turn.

    At once if this one has it already, and outside of any block, which would have no end.
    """
    if num_bytes > LARGE_BYTES and _own.depth and not _own.waited:
        _lock.acquire()
        _own.waited = True
