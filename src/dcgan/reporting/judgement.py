"""Judges a run in words: good, doubtful or failed, why, and what would help.

The borders come from 513 runs of three recipes on six data sets: ``benchmarks/results`` has 385 of them, git's history
the others. Of runs that collapsed or that were too short, coverage stayed under a tenth of what real images get;
pictures that people take for what they are begin at about half.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from dcgan.reporting.story import Story
from dcgan.wording import duration, number

SIDE = 32
"""Pixels of the longer side for which the two numbers hold; larger images need as many times more."""
FEWEST_STEPS = 400
"""Updates of each network below which only coloured shadows were seen (at 64x64 still after 780)."""
ENOUGH_STEPS = 1_500
"""After as many, creatures have faces; the chapter's own run makes 3,160."""
GOOD_COVERAGE, FAILED_COVERAGE = 0.5, 0.1
"""Shares of the coverage that real images get."""
GOOD_DISTANCE, FAILED_DISTANCE = 0.2, 2.0
"""Kernel distances by ``tiny``, whose features have variance 1, where nothing else was measured."""
BALL = 5
"""Neighbours in a ball, for the coverage that is to be expected."""

Badge = Literal["good", "doubtful", "failed"]


class Judgement(NamedTuple):
    """What a person is told of a run."""

    badge: Badge
    reason: str
    """One or two sentences."""
    budget: int | None = None
    """Images that would do, where more training is what helps."""


def judgement(story: Story, measurements: Sequence[Mapping[str, Any]] = ()) -> Judgement | None:
    """The judgement of a run; None where there is nothing to judge by yet.

    Args:
        story: Its journal.
        measurements: What ``evaluate`` measured last, as its file has them.
    """
    if story.state == "failed":
        return Judgement("failed", f"An error ended the training after {story.images_seen:,} images.")
    if story.state in ("waiting", "training") or not story.images_seen:
        return None
    return _too_short(story) or _measured(measurements) or _watched(story)


def _too_short(story: Story) -> Judgement | None:
    """A run of so few steps has shown nothing, whatever is measured."""
    batch = story.config.get("training.batch_size")
    if not isinstance(batch, int):
        return None
    if isinstance(known := story.about.get("train_images"), int):
        batch = max(1, min(batch, known))  # an epoch of fewer images is one smaller batch, where those are trained on
    sides = [side for name in ("height", "width") if isinstance(side := story.config.get(f"data.{name}"), int)]
    times = max([SIDE, *sides]) / SIDE
    if story.images_seen >= FEWEST_STEPS * times * batch:
        return None
    enough = math.ceil(ENOUGH_STEPS * times * batch / 1000) * 1000
    speed = story.latest_speed
    time = (
        f", about {duration(_rounded((enough - story.images_seen) / speed))} more on this machine now" if speed else ""
    )
    steps = math.ceil(story.images_seen / batch)
    updates = "1 update" if steps == 1 else f"{steps:,} updates"
    return Judgement(
        "doubtful",
        f"Too short to show anything: {story.images_seen:,} images make {updates} of each network, "
        f"and below {FEWEST_STEPS * times:,.0f} there are only coloured shadows. {enough:,} images would do{time}.",
        enough,
    )


def _measured(measurements: Sequence[Mapping[str, Any]]) -> Judgement | None:
    """By coverage, beside what real images get, as the stricter detector sees it; and by copies."""
    shares = list(_coverages(measurements))
    if not shares:
        return None
    share, detector = min(shares)
    copied = max((float(one["value"]) for one in _of("copies_suspects", measurements)), default=0.0)
    said = f"the samples reach {share:.0%} of the variety that real images would reach ({detector})"
    if share < FAILED_COVERAGE:
        return Judgement("failed", f"Hardly any sample looks like a real image: {said}.")
    if copied > 0.1:
        return Judgement("doubtful", f"{copied:.0%} of the samples may be copies of training images; {said}.")
    if share < GOOD_COVERAGE:
        return Judgement("doubtful", f"Some of it is there: {said}.")
    return Judgement("good", f"{said[0].upper()}{said[1:]}.")


def _coverages(measurements: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, str]]:
    for one in _of("coverage", measurements):
        protocol = one["protocol"]
        ideal = one["floor"] or expected_coverage(int(protocol["num_samples"]), int(protocol["num_reference"]))
        if ideal > 0:
            yield min(1.0, float(one["value"]) / ideal), str(protocol["detector"])


def expected_coverage(num_samples: int, num_reference: int, k: int = BALL) -> float:
    """Of perfect samples: Naeem et al. 2020 (arXiv 2002.09797), equation 9."""
    missed = 1.0
    for place in range(1, k + 1):
        missed *= max(0, num_reference - place) / (num_reference + num_samples - place)
    return 1 - missed


def _of(measure: str, measurements: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (one for one in measurements if str(one["name"]).startswith(f"{measure}_"))


def _watched(story: Story) -> Judgement | None:
    """By what was measured while it trained."""
    if not story.evaluations:
        return None
    distance = story.evaluations[-1].distance
    said = f"the last kernel distance from real images was {number(distance)} (real ones among themselves: about 0)"
    if not distance < FAILED_DISTANCE:
        return Judgement("failed", f"The images are far from real ones: {said}.")
    if distance > GOOD_DISTANCE:
        return Judgement("doubtful", f"The images are on their way: {said}.")
    return Judgement("good", f"{said[0].upper()}{said[1:]}.")


def gain(story: Story) -> str:
    """What twice as much training may be expected to bring, from the second half of the run; empty if unknown."""
    seen = [look for look in story.evaluations if look.distance > 0]
    if len(seen) < 3:
        return ""
    last = seen[-1]
    half = min(seen, key=lambda look: abs(look.images_seen - last.images_seen / 2))
    if half is last or half.images_seen < last.images_seen / 4:
        return ""
    course = f"From {half.images_seen:,} to {last.images_seen:,} images the distance from real images "
    if last.distance > 0.9 * half.distance:
        return f"{course}hardly fell, so that more of the same may bring little."
    return f"{course}fell by {1 - last.distance / half.distance:.0%}; twice as long may bring as much again."


def _rounded(seconds: float) -> float:
    """Two digits: no machine keeps to more."""
    return float(f"{seconds:.2g}")
