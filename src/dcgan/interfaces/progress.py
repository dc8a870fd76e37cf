"""Shows the steps of a run twice a second: the losses lie on the device, and reading them waits for it."""

from dcgan.commands.live.clock import Timer
from dcgan.interfaces.console import Display
from dcgan.training.step import StepReport

SECONDS = 0.5  # between two looks at the losses


class Progress:
    """Reads the reports of a run that goes from ``images_seen`` to ``images_total`` and shows some of them."""

    def __init__(self, display: Display, images_seen: int, images_total: int) -> None:
        self._display, self._total = display, images_total
        self._shown = Timer(images_seen)

    def step(self, report: StepReport) -> None:
        """Show the report if half a second has passed since the last one, or if it ends the run."""
        seen = report.images_seen
        if seen < self._shown.images:  # the run was rolled back
            self._shown.restart(seen)
        if self._shown.elapsed < SECONDS and seen < self._total:
            return
        losses = float(report.discriminator_loss), float(report.generator_loss)
        self._display.step(seen, self._total, self._shown.speed(seen), *losses)
        self._shown.restart(seen)
