"""Shows the steps of a run twice a second: the losses lie on the device, and reading them waits for it."""

from collections import deque

from dcgan.commands.live.clock import Timer
from dcgan.interfaces.console import Display
from dcgan.training.step import StepReport

SECONDS = 0.5  # between two looks at the losses
WINDOW = 60.0  # seconds of running that the speed is of: a machine that was busy for a while is soon forgotten


class Progress:
    """Reads the reports of a run that goes on from ``images_seen`` and shows some of them.

    The speed, and with it the time left, is that of the last minute. It leaves out the first step, which takes longer
    than any other, unless there is no other.
    """

    def __init__(self, display: Display, images_seen: int) -> None:
        self._display = display
        self._shown = Timer(images_seen)
        self._looks = deque([Timer(images_seen)])
        self._is_first = True

    def step(self, report: StepReport, images_total: int) -> None:
        """Show the report if half a second has passed since the last one, or if it ends the run.

        ``images_total``: of the budget; a run that was given a time may have corrected it.
        """
        seen = report.images_seen
        rolled_back = seen < self._shown.images
        if rolled_back or (self._is_first and seen < images_total):
            self._restart(seen)
        if self._shown.elapsed >= SECONDS or seen >= images_total:
            losses = float(report.discriminator_loss), float(report.generator_loss)
            self._display.step(seen, images_total, self._speed(seen), *losses)
            self._shown.restart(seen)

    def _speed(self, seen: int) -> float:
        while len(self._looks) > 1 and self._looks[1].elapsed >= WINDOW:
            self._looks.popleft()
        self._looks.append(Timer(seen))
        return self._looks[0].speed(seen)

    def _restart(self, seen: int) -> None:
        self._is_first = False
        self._shown.restart(seen)
        self._looks = deque([Timer(seen)])
