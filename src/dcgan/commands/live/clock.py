"""What is due: by images, or by a clock that only goes forward."""

import time
from dataclasses import dataclass, field

FEWEST_LINES = 20
"""Lines in the journal of a run, as far as it has as many steps."""


@dataclass
class Timer:
    """What happened when, in images and on a clock that only goes forward."""

    images: int
    seconds: float = field(init=False)

    def __post_init__(self) -> None:
        """Start now."""
        self.restart(self.images)

    def restart(self, images: int) -> None:
        """From now on."""
        self.images, self.seconds = images, time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.seconds

    def speed(self, images: int) -> float:
        """Images a second since then."""
        return (images - self.images) / max(self.elapsed, 1e-9)


def lines_every(most: int, images: int | None) -> int:
    """Images between two lines of the journal: ``most``, fewer in a short run, so that it has a course, too."""
    return max(1, min(most, (images or 0) // FEWEST_LINES))


def crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of ``every`` lies in (before, after]."""
    return after // every > before // every
