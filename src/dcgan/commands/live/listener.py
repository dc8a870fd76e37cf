"""Who is told in words how a run goes. The steps themselves come out of the iterator."""

from pathlib import Path
from typing import Protocol


class Listener(Protocol):
    """Whoever started the run, and wants to hear how it goes."""

    def say(self, text: str) -> None:
        """Something to know."""

    def prepare(self, done: int, total: int) -> None:
        """So many images are decoded."""

    def picture(self, path: Path) -> None:
        """A new grid is on disk."""
