"""Who hears how a run goes."""

from pathlib import Path
from typing import Protocol


class Listener(Protocol):
    """Whoever started the run, and wants to hear how it goes."""

    def say(self, text: str) -> None:
        """Something to know."""

    def prepare(self, done: int, total: int) -> None:
        """So many images are decoded."""

    def step(
        self,
        images_seen: int,
        images_total: int,
        images_per_second: float,
        discriminator_loss: float,
        generator_loss: float,
    ) -> None:
        """Training goes on."""

    def picture(self, path: Path) -> None:
        """A new grid is on disk."""
