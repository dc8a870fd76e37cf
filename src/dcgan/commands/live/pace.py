"""Whether a run that was given a time keeps to it: its images were counted by a few seconds of measuring before step 0.

Whatever else the machine did in those seconds decides how long the run is, so the first tenth of it is looked at.
"""

from dcgan.commands.live.clock import Timer
from dcgan.notation import parse_budget
from dcgan.settings.knobs import TrainingConfig
from dcgan.wording import duration, number

FROM, UNTIL = 20, 10  # shares of the run, as divisors: the first twentieth may compile, fill caches, and the like
NOTICEABLE = 1.5  # times as fast or as slow
SECONDS = 0.5  # of running at least: less says little


class Pace:
    """The speed of a run in the second twentieth of its images, beside the one that was measured before step 0."""

    def __init__(self, training: TrainingConfig, images_seen: int) -> None:
        self._training, self._timer = training, Timer(images_seen)

    def after(self, before: int, seen: int) -> str | None:
        """What to say after a step that took the images up to ``seen``, once in a run. None: nothing."""
        training, total = self._training, self._training.images or 0
        budget, planned = parse_budget(training.budget), training.images_per_second
        if planned is None or budget.unit != "seconds" or total < FROM:
            return None
        if before < total // FROM <= seen:
            self._timer.restart(seen)
        if not before < total // UNTIL <= seen or self._timer.elapsed < SECONDS:
            return None
        speed = self._timer.speed(seen)
        if 1 / NOTICEABLE < speed / planned < NOTICEABLE:
            return None
        time_there_was = "more" if speed < planned else "less"
        return (
            f"This run sees {number(speed)} images/s; before its first step {number(planned)} were measured, when the "
            f"machine had {time_there_was} time for it. So it will take about {duration(total / speed)}. For "
            f"{duration(budget.amount)}, stop it (Ctrl-C) and give the same command with "
            f"--budget {_images(budget.amount * speed)}: it goes on from where it is."
        )


def _images(count: float) -> str:
    """Roughly, as ``--budget`` takes it: two digits are more than a machine keeps to."""
    return f"{count / 1000:.0f}k" if count >= 10_000 else f"{max(1, round(count))}"
