"""Held against a published run that improved for a fifth of its time and then fell apart."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from dcgan.training.health import Alarm, Distance, Vitals, diagnose, is_sound, overfitting_of

# FID by thousands of steps, and both losses, of PyTorch-StudioGAN's DCGAN on CIFAR-10
# (logs/CIFAR10/DCGAN-train-2020_09_15_13_23_51.log, "FID score", "Discriminator_loss", "Generator_loss").
FID = {
    2: 114.9, 10: 65.3, 20: 60.3, 22: 57.9, 26: 50.6, 30: 65.7, 40: 55.7, 42: 49.03, 46: 90.0, 50: 85.9, 54: 108.0,
    60: 97.9, 90: 143.2, 120: 143.6, 150: 140.1, 200: 137.4,
}  # fmt: skip
GENERATOR_LOSS = {2: 5.7, 42: 5.9, 200: 9.7}
DISCRIMINATOR_LOSS = {2: 0.011, 42: 0.0008, 200: 0.002}


def replay(until: float) -> Vitals:
    """What the run would have written down by then. Between the published figures everything is a straight line.

    With the scores of both sides at plus and minus s, the discriminator's loss is softplus(-s), the margin 2 s.
    """
    lines = np.arange(1, until + 1e-9)
    losses = np.interp(lines, list(DISCRIMINATOR_LOSS), list(DISCRIMINATOR_LOSS.values()))
    distances = [Distance(value, 0.97 * value, 1.03 * value) for step, value in FID.items() if step <= until]
    return Vitals(
        margins=(-2 * np.log(np.expm1(losses))).tolist(),
        generator_losses=np.interp(lines, list(GENERATOR_LOSS), list(GENERATOR_LOSS.values())).tolist(),
        distances=distances,
        diversities=[0.9] * len(distances),
    )


def kinds(alarms: Sequence[Alarm]) -> list[str]:
    return [alarm.kind for alarm in alarms]


def test_the_published_run_is_left_in_peace_while_it_improves_though_its_discriminator_wins() -> None:
    for step in range(1, 46):
        assert diagnose(replay(step)) == (), step
    assert min(replay(42).margins) > 8


def test_the_published_run_is_stopped_soon_after_it_turned() -> None:
    assert kinds(diagnose(replay(50))) == ["past the best"]
    for step in range(50, 201):
        assert "past the best" in kinds(diagnose(replay(step))), step
    assert "lost game" in kinds(diagnose(replay(200)))
    text = diagnose(replay(54))[0].text
    assert "108" in text
    assert "was 49 at its best, 3 evaluations ago" in text


def test_ten_evaluations_are_enough_to_see_it() -> None:
    """At 10 % each of the run: best at 20 %, warned at 40 %."""
    values = np.interp(range(20, 201, 20), list(FID), list(FID.values()))
    warned = [
        bool(diagnose(Vitals(distances=[Distance(value, 0.95 * value, 1.05 * value) for value in values[:count]])))
        for count in range(1, 11)
    ]
    assert warned == [False, False, False, True, True, True, True, True, True, True]


def test_a_discriminator_that_wins_is_no_alarm_by_itself() -> None:
    assert diagnose(Vitals(margins=[15.0] * 100, generator_losses=[6.0] * 100)) == ()


def test_a_rising_loss_is_no_alarm_while_the_discriminator_doubts() -> None:
    assert diagnose(Vitals(margins=[4.0] * 100, generator_losses=np.linspace(1, 5, 100).tolist())) == ()


def test_a_sure_discriminator_and_a_rising_loss_are_a_lost_game_unless_the_samples_improve() -> None:
    margins, losses = [12.0] * 100, np.linspace(4, 8, 100).tolist()
    assert kinds(diagnose(Vitals(margins=margins, generator_losses=losses))) == ["lost game"]
    improving = [Distance(value, value - 1, value + 1) for value in (90, 60, 50)]
    assert diagnose(Vitals(margins=margins, generator_losses=losses, distances=improving)) == ()
    assert kinds(diagnose(Vitals(margins=margins, generator_losses=losses, distances=improving[:1]))) == ["lost game"]
    assert diagnose(Vitals(margins=margins[:9], generator_losses=losses[:9])) == ()


def test_samples_much_alike_twice_in_a_row_are_a_collapse() -> None:
    assert diagnose(Vitals(diversities=[0.1])) == ()
    assert diagnose(Vitals(diversities=[0.1, 0.7])) == ()
    assert diagnose(Vitals(diversities=[0.9, 0.5])) == ()
    (alarm,) = diagnose(Vitals(diversities=[0.9, 0.55, 0.31]))
    assert alarm.kind == "collapse"
    assert "31%" in alarm.text
    assert "training." in alarm.advice


def test_a_worse_distance_within_its_interval_is_chance() -> None:
    noisy = [Distance(0.001, -0.001, 0.003), *[Distance(0.002, 0.0, 0.004)] * 5]
    assert diagnose(Vitals(distances=noisy)) == ()
    sure = [Distance(0.001, 0.0009, 0.0011), *[Distance(0.002, 0.0019, 0.0021)] * 2]
    assert kinds(diagnose(Vitals(distances=sure))) == ["past the best"]
    assert diagnose(Vitals(distances=[*sure, Distance(0.0012, 0.0011, 0.0013)])) == ()


HOUR = [0.211, 0.071, 0.046, 0.043, 0.033, 0.012, 0.02, 0.005, 0.0, 0.009, 0.004, -0.001, 0.008, 0.007, 0.012]
"""Margins of an hour of clothes at a rate of 2e-3, every 40,000 images: a look after each fifth of them."""
LOOKS = [Distance(0.0388, 0.0201, 0.0576), Distance(0.1772, 0.145, 0.2093), Distance(0.1807, 0.1429, 0.2185)]


def test_a_discriminator_that_drowned_in_its_own_steps_is_blind() -> None:
    def hour(looks: int) -> Vitals:
        return Vitals(margins=[margin for margin in HOUR[: 5 * looks] for _ in range(40)], distances=LOOKS[:looks])

    assert [kinds(diagnose(hour(looks))) for looks in (1, 2, 3)] == [[], [], ["blind"]]
    assert [is_sound(hour(looks)) for looks in (1, 2, 3)] == [True, False, False], "where to go back to"
    seeing = Vitals(margins=[0.04] * 200, distances=LOOKS)
    assert kinds(diagnose(seeing)) == ["past the best"]
    assert diagnose(Vitals(margins=hour(3).margins, distances=LOOKS[::-1])) == (), "it got better"


def test_samples_are_pale_where_they_were_not_or_stay_so_for_half_a_run() -> None:
    """The shares of an hour of clothes that went grey on grey, of sprites, and of critters that never had colours."""
    hour = [0.93, 0.97, 0.66, 0.67]
    assert [kinds(diagnose(Vitals(contrasts=hour[:count]))) for count in range(5)] == [[]] * 4 + [["pale"]]
    assert "67%" in diagnose(Vitals(contrasts=hour))[0].text
    assert "had 97%" in diagnose(Vitals(contrasts=hour))[0].text
    assert diagnose(Vitals(contrasts=[0.5, 0.65, 0.68, 0.7])) == (), "it is early"
    assert diagnose(Vitals(contrasts=[0.5, 0.65, 0.68, 0.7, 0.82])) == (), "it comes"
    assert kinds(diagnose(Vitals(contrasts=[0.5, 0.65, 0.6, 0.62, 0.57]))) == ["pale"]
    assert "had" not in diagnose(Vitals(contrasts=[0.5, 0.65, 0.6, 0.62, 0.57]))[0].text


def test_held_out_images_scored_like_fakes_are_overfitting_unless_the_samples_improve() -> None:
    assert overfitting_of(5.0, 5.0, -3.0) == 0
    assert overfitting_of(5.0, -3.0, -3.0) == 1
    assert overfitting_of(1.0, 1.0, 1.0) is None
    assert overfitting_of(1.0, 1.0, 2.0) is None
    assert diagnose(Vitals(overfitting=0.4)) == ()
    assert diagnose(Vitals(overfitting=math.nan)) == ()
    assert kinds(diagnose(Vitals(overfitting=0.6))) == ["overfitting"]
    assert diagnose(Vitals(overfitting=0.6, distances=[Distance(9, 8, 10), Distance(5, 4, 6)])) == ()


@pytest.mark.parametrize("series", ["margins", "generator_losses"])
@pytest.mark.parametrize("last", [400.0, -400.0, math.inf, math.nan])
def test_numbers_that_run_away_are_an_explosion(series: str, last: float) -> None:
    usual = {"margins": [4.0] * 40, "generator_losses": [3.0] * 40}
    assert diagnose(Vitals(**usual)) == ()
    away = diagnose(Vitals(**{**usual, series: [*usual[series][:-3], last, last, last]}))
    assert "explosion" in kinds(away)


def test_nothing_is_said_of_a_run_that_has_just_begun() -> None:
    assert diagnose(Vitals()) == ()
    assert diagnose(Vitals(margins=[400.0], generator_losses=[400.0], distances=[Distance(9, 8, 10)])) == ()


def test_a_state_is_sound_while_nothing_has_begun_that_an_alarm_may_end() -> None:
    sure, calm = {"margins": [12.0] * 20, "generator_losses": [3.0] * 20}, {"margins": [4.0], "generator_losses": [3.0]}

    def distances(*values: float) -> list[Distance]:
        return [Distance(value, value - 0.1, value + 0.1) for value in values]

    assert is_sound(Vitals()) and is_sound(Vitals(diversities=[0.2, 0.6], **calm))
    assert not is_sound(Vitals(diversities=[0.9, 0.59])) and not is_sound(Vitals(diversities=[math.nan]))
    assert not is_sound(Vitals(**sure)), "sure of everything, and nothing says that the images get better"
    assert is_sound(Vitals(**sure, distances=distances(5, 4)))
    assert not is_sound(Vitals(**sure, distances=distances(5, 4, 4.5, 4.5)))
    for broken in (-60.0, 60.0, math.inf, math.nan):
        assert not is_sound(Vitals(**calm | {"margins": [4.0, broken]}))
        assert not is_sound(Vitals(**calm | {"generator_losses": [3.0, broken]}))
