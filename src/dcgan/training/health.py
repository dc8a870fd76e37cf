"""Is the game going well? Numbers that a run has written down come in; alarms in words come out. Pure functions.

Losses alone do not tell: in a published run of these networks on CIFAR-10 (PyTorch-StudioGAN's DCGAN log) the
discriminator's loss was 0.011 after 2,000 steps and 0.0008 after 42,000, where the samples were best, and the same
0.002 at the end, where they were far worse. So a distance that improves overrules what scores and losses suggest.
Scores are those of the logistic losses, where a margin of 8 is being sure to one in 55 on either side; the others keep
theirs small, and their lost games are not heard.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

LEAST_DIVERSITY = 0.6
LEAST_CONTRAST = 0.8
LARGE_MARGIN = 8.0
RISING = 1.25
TURNED = 1.5
BLINDED = 1 / 3
OVERFITTED = 0.5
EXPLODED = 50.0
_FEWEST_LINES = 10
_LATE = 5  # looks, half a run


class Alarm(NamedTuple):
    """Something to know, and what can be done."""

    kind: str
    """``collapse``, ``pale``, ``past the best``, ``blind``, ``lost game``, ``overfitting`` or ``explosion``."""
    text: str
    advice: str


class Distance(NamedTuple):
    """How far samples were from real images, with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Vitals:
    """What a run has written down so far, oldest first; empty where nothing was measured."""

    margins: Sequence[float] = ()
    """Mean score of real images less that of fake ones; one for each line of the journal."""
    generator_losses: Sequence[float] = ()
    """As many."""
    distances: Sequence[Distance] = ()
    """One for each evaluation."""
    diversities: Sequence[float] = ()
    """Of samples over that of real images; one for each evaluation."""
    contrasts: Sequence[float] = ()
    """The same of the strength of their brightness, or of their colours."""
    overfitting: float | None = None
    """From ``overfitting_of``; None: nothing is held out, or nothing told apart."""


def diagnose(vitals: Vitals) -> tuple[Alarm, ...]:
    """All that is wrong now, the gravest first; nothing while all is well or too little is known."""
    found = (
        _explosion(vitals),
        _collapse(vitals.diversities),
        _pale(vitals.contrasts),
        _past_the_best(vitals),
        _overfitting(vitals),
        _lost_game(vitals),
    )
    return tuple(alarm for alarm in found if alarm is not None)


def is_sound(vitals: Vitals) -> bool:
    """Whether nothing has begun that a run may have to go back for: a place to come back to."""
    diverse = not vitals.diversities or vitals.diversities[-1] >= LEAST_DIVERSITY
    small = all(abs(series[-1]) <= EXPLODED for series in (vitals.margins, vitals.generator_losses) if series)
    doubtful = not vitals.margins or vitals.margins[-1] < LARGE_MARGIN
    worse = vitals.distances and _worse(vitals.distances[-1], _best(vitals.distances))
    return diverse and small and not worse and (doubtful or _improving(vitals.distances))


def overfitting_of(train_score: float, held_out_score: float, fake_score: float) -> float | None:
    """Where the held-out images stand between training images (0) and fakes (1), by their mean scores.

    Karras et al. 2020 (arXiv 2006.06676), equation 1, r_v. None when real and fake are not told apart at all.
    """
    margin = train_score - fake_score
    return (train_score - held_out_score) / margin if margin > 0 else None


def _explosion(vitals: Vitals) -> Alarm | None:
    """The last lines are large, and far above what was usual before."""
    for name, series in (("scores", vitals.margins), ("generator's loss", vitals.generator_losses)):
        sizes = [abs(value) for value in series]
        if len(sizes) < _FEWEST_LINES:
            continue
        recent, usual = min(sizes[-3:]), statistics.median(sizes[:-3])
        if not math.isfinite(sum(sizes[-3:])) or (recent > EXPLODED and recent > 5 * usual):
            return Alarm(
                "explosion",
                f"The {name} went from about {usual:.3g} to {sizes[-1]:.3g}.",
                "Start again with lower learning rates (training.generator_learning_rate and the discriminator's).",
            )
    return None


def _collapse(diversities: Sequence[float]) -> Alarm | None:
    """Twice in a row, because the first samples of any run are much alike."""
    if len(diversities) < 2 or max(diversities[-2:]) >= LEAST_DIVERSITY:
        return None
    return Alarm(
        "collapse",
        f"The samples differ from one another {diversities[-1]:.0%} as much as real images do: "
        "the generator makes few images over and over.",
        "Use an earlier checkpoint. Then try a lower learning rate for the generator "
        "(training.generator_learning_rate) or larger batches (training.batch_size).",
    )


def _pale(contrasts: Sequence[float]) -> Alarm | None:
    """Twice in a row, where they had been stronger or should have become so: the first samples of any run are pale."""
    if len(contrasts) < 3 or max(contrasts[-2:]) >= LEAST_CONTRAST:
        return None
    before = max(contrasts[:-2])
    if before < LEAST_CONTRAST and len(contrasts) < _LATE:
        return None
    lost = f", and had {before:.0%}: they go grey" if before >= LEAST_CONTRAST else ""
    return Alarm(
        "pale",
        f"The samples have {contrasts[-1]:.0%} of the contrast or of the colours of real images{lost}.",
        "A discriminator that can tell contrast helps, from the beginning of a run (model.discriminator_bias=true); so "
        "do learning rates that fall, where contrast was lost (training.learning_rate_schedule=linear).",
    )


def _past_the_best(vitals: Vitals) -> Alarm | None:
    """The last two evaluations are clearly, and by more than chance, above the best one."""
    distances = vitals.distances
    if len(distances) < 3:
        return None
    best = _best(distances)
    if not all(_worse(last, best) for last in distances[-2:]):
        return None
    ago = len(distances) - 1 - distances.index(best)
    text = (
        f"The samples have been getting worse: their distance from real images is {distances[-1].value:.3g}, "
        f"and was {best.value:.3g} at its best, {ago} evaluations ago."
    )
    if _blinded(vitals.margins):
        return Alarm(
            "blind",
            f"{text} The discriminator hardly tells them from real images any more (margin {vitals.margins[-1]:.3g}).",
            "Lower learning rates help: close to the end of the game, large steps are noise "
            "(training.discriminator_learning_rate and the generator's).",
        )
    return Alarm(
        "past the best",
        text,
        "Stop here and use the best checkpoint; more training is unlikely to help. More images, or a lower "
        "learning rate, would move the best further out.",
    )


def _blinded(margins: Sequence[float]) -> bool:
    """Whether real and fake are told apart far less than they were, in the last fifth of all lines."""
    fifths = _fifths(margins)
    return bool(fifths) and fifths[-1] < BLINDED * max(fifths)


def _overfitting(vitals: Vitals) -> Alarm | None:
    if vitals.overfitting is None or not vitals.overfitting > OVERFITTED or _improving(vitals.distances):
        return None
    return Alarm(
        "overfitting",
        f"The discriminator knows its training images by heart: it scores held-out ones {vitals.overfitting:.0%} of "
        "the way towards fakes.",
        "Train on more images, or shorter, or with a smaller discriminator (model.discriminator_width).",
    )


def _lost_game(vitals: Vitals) -> Alarm | None:
    """The discriminator has long been sure, and the generator's loss keeps rising."""
    margins, fifths = vitals.margins, _fifths(vitals.generator_losses)
    if not fifths or min(margins[-(len(margins) // 5) :]) < LARGE_MARGIN or _improving(vitals.distances):
        return None
    last = fifths[-1]
    if not last > RISING * min(fifths):
        return None
    return Alarm(
        "lost game",
        f"The discriminator has been sure of everything for a fifth of the run (margin {margins[-1]:.3g}) and the "
        f"generator's loss has risen from {min(fifths):.3g} to {last:.3g}: it learns little from such a judge.",
        "Try lower learning rates (training.discriminator_learning_rate first) or a smaller discriminator "
        "(model.discriminator_width).",
    )


def _fifths(series: Sequence[float]) -> list[float]:
    """The means of five parts of equal length, up to the last line; none of few lines."""
    count, size = len(series) // 5, len(series)
    if size < _FEWEST_LINES:
        return []
    return [statistics.fmean(series[start : start + count]) for start in range(size - 5 * count, size, count)]


def _best(distances: Sequence[Distance]) -> Distance:
    return min(distances, key=lambda distance: distance.value)


def _worse(last: Distance, best: Distance) -> bool:
    """Whether a distance is above the best one clearly, and by more than chance."""
    return last.low > best.high and last.value > TURNED * best.value


def _improving(distances: Sequence[Distance]) -> bool:
    """Whether one of the last two evaluations is the best so far; the first of a run does not count."""
    best = min(range(len(distances)), key=lambda index: distances[index].value, default=0)
    return best > 0 and best >= len(distances) - 2
