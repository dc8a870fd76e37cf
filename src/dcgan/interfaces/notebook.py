"""A notebook's display: one figure with curves and the newest grid, renewed in place; plain IPython.display."""

import importlib
import sys
import time
from pathlib import Path
from typing import Any

from dcgan.interfaces.console import Clock, Display
from dcgan.wording import plain

MOST_POINTS = 400  # of a curve; every second one is dropped when there are more


class NotebookDisplay(Display):
    """Losses, grid, speed and time left in one figure, renewed every two seconds at most."""

    def __init__(self, notebook: Any, clock: Clock = time.monotonic) -> None:
        self._notebook = notebook
        self._clock = clock
        self._handle: Any = None
        self._due = 0.0
        self._held = False
        self._words = ""
        self._grid: Path | None = None
        self._points: list[tuple[int, float, float]] = []

    def step(self, images_seen: int, images_total: int, images_per_second: float, *losses: float) -> None:
        """Add a point to the curves."""
        self._points = [point for point in self._points if point[0] < images_seen]  # the run may have gone back
        self._points.append((images_seen, losses[0], losses[1]))
        if len(self._points) > MOST_POINTS:
            self._points = self._points[::2]
        super().step(images_seen, images_total, images_per_second, *losses)

    def picture(self, path: Path) -> None:
        """Show a new grid in the place of the old one."""
        self._grid = path
        self._renew()

    def close(self) -> None:
        """Show what was held back."""
        self._due = 0.0
        if self._held:
            self._renew()

    def _line(self, line: str) -> None:
        print(line)

    def _progress(self, what: str, done: int, total: int, words: str, brief: str) -> None:
        self._words = words
        self._renew()

    def _renew(self) -> None:
        now = self._clock()
        self._held = now < self._due
        if self._held:
            return
        self._due = now + 2.0
        try:
            bundle: dict[str, Any] = {"text/plain": plain(self._words)}
            if self._points:
                from dcgan.reporting.live import live_figure

                bundle["image/png"] = live_figure(self._points, self._grid, plain(self._words))
            if self._handle is None:
                self._handle = self._notebook.display(bundle, raw=True, display_id=True)
            else:
                self._handle.update(bundle, raw=True)
        except (OSError, ValueError):
            return


def running_notebook() -> Any:
    """IPython's display module when a kernel runs us, else None. Nothing is imported that is not there yet."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return importlib.import_module("IPython.display") if hasattr(shell, "kernel") else None
