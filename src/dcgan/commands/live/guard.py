"""The guard: for which alarms a run goes back, and to which state. A function of images and numbers alone.

A number that is no longer finite leaves no choice, and the last anchor will do. A collapse has been going on for a
while when it is heard, and so has a lost game or a discriminator that sees nothing any more: then it is the last
state at which all was measured to be well.
"""

from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint, shelf
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.health import LEAST_DIVERSITY, Alarm, Vitals, diagnose
from dcgan.training.setup import new_state
from dcgan.training.state import TrainingState

CURED = ("collapse", "explosion", "blind", "lost game")
"""Alarms for which it may help to go back; the others are only said."""


def to_cure(vitals: Vitals, training: TrainingConfig, attempt: int) -> Alarm | None:
    """The gravest alarm to go back for; None without one, without a guard, and when the roll-backs are used up.

    What was never diverse has not collapsed, but is slow: its first samples are still much alike.
    """
    if not training.guard or attempt >= training.rollbacks:
        return None
    slow = max(vitals.diversities, default=0.0) < LEAST_DIVERSITY
    curable = [kind for kind in CURED if not (slow and kind == "collapse")]
    return next((alarm for alarm in diagnose(vitals) if alarm.kind in curable), None)


def go_back(state: TrainingState, run: RunFolder, config: Config, *, sound: bool) -> None:
    """Become the last sound state, or the last anchor, or else the first weights, as the next attempt.

    Which one that is depends on images alone, not on when the run was saved or stopped.
    """
    attempt = state.attempt + 1
    found = checkpoint.newest(run, shelf.is_sound if sound else shelf.is_anchor)
    if found:
        state.restore(found.tensors, found.facts)
    else:
        first = new_state(config, state.journal_sums.device)
        state.restore(first.tensors(), first.facts())
    state.attempt = attempt


def went_back(training: TrainingConfig, images_seen: int, attempt: int) -> str:
    """Where a run is after a roll-back, and what differs from there on, in a sentence."""
    otherwise = "other latents and half the learning rates" if training.guard else "other latents"
    return f"Rolled back to image {images_seen:,} ({attempt} of {training.rollbacks} times), {otherwise} from there on."


def diverged(run: RunFolder, reason: str, attempt: int, saved_images: int | None) -> UserError:
    """How a run ends that has gone back too often for a number that is not finite."""
    good = "Nothing of this run is saved yet"
    if saved_images is not None:
        good = f"The checkpoint at image {saved_images:,} is good"
    tried = f", after {attempt} roll-backs" if attempt else ""
    return UserError(
        f"{run.root}: {reason}{tried}; this is not saved. {good}. Try lower learning rates "
        "(--set training.generator_learning_rate=1e-4 and the discriminator's) in another folder.",
        ExitCode.DIVERGED,
    )
