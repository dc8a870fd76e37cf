"""The guard: when alarms ring a run goes back to where all was well, learns more gently, and at last goes on as it is.

What is measured is made up here; the runs are real.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.torture.tiny_runs import Ears, differences, fingerprint, finish, train
from dcgan.commands.live import session, watch
from dcgan.commands.live.guard import CURED, to_cure
from dcgan.commands.live.watch import Look, Watch, new_alarms
from dcgan.evaluation.measures.distances import Estimate
from dcgan.reporting.story import read_story
from dcgan.runs import checkpoint, journal, shelf
from dcgan.runs.folder import RunFolder
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.health import Distance, Vitals, diagnose
from dcgan.training.state import TrainingState

EVERY = 64  # images between two looks: 64, 128, …, 640
FINE, LOW = 0.9, 0.2

Diversity = Callable[[int, int], float]
"""(images seen, attempt) → what is measured there."""


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Callable[[Diversity], None]:
    """Looks at every 64 images, each of which measures what the function says, and a distance that stays."""

    def install(diversity: Diversity) -> None:
        def look(self: Watch, state: TrainingState) -> Look:
            return Look(
                "kid_tiny_1k", Estimate(1.0, 0.9, 1.1), 1.0, diversity(state.images_seen, state.attempt), 1.0, None
            )

        monkeypatch.setattr(Watch, "look", look)
        monkeypatch.setattr(watch, "LEAST_IMAGES", EVERY)
        monkeypatch.setattr(watch, "FEWEST", 1)

    return install


def once(seen: int, attempt: int) -> float:
    """Fine up to 192; the first attempt collapses after that, and is low at 256 and 320."""
    return LOW if attempt == 0 and seen > 192 else FINE


def always(seen: int, attempt: int) -> float:
    """Every attempt collapses after 192."""
    return LOW if seen > 192 else FINE


def events(run: RunFolder, kind: str) -> list[dict[str, Any]]:
    return [event for event in journal.read(run.journal) if event["event"] == kind]


@pytest.mark.promise(
    "A run whose images collapse goes back to the last state that was measured to be well, and learns more gently."
)
def test_a_collapse_sends_the_run_back_to_where_all_was_well(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path
) -> None:
    measure(once)
    ears = Ears()
    run = finish(source, tmp_path / "run", ears=ears)
    (told,) = [text for text in ears.said if "Rolled back" in text]
    assert told == (
        "The samples differ from one another 20% as much as real images do: the generator makes few images over and "
        "over. Rolled back to image 192 (1 of 2 times), other latents and half the learning rates from there on."
    )
    (entry,) = events(run, "rollback")
    assert (entry["images_seen"], entry["came_from"], entry["attempt"], entry["text"]) == (192, 320, 1, told)
    assert events(run, "warning") == []
    looks = events(run, "evaluation")
    assert [look["images_seen"] for look in looks] == list(range(EVERY, 641, EVERY))
    assert {look["diversity"] for look in looks} == {FINE}, "what was low has not happened"
    saved = checkpoint.newest(run)
    assert (saved.facts["images_seen"], saved.facts["attempt"]) == (640, 1)
    assert (192, told) in read_story(run).warnings


def test_it_is_not_the_last_anchor_which_may_have_collapsed_already(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path
) -> None:
    measure(lambda seen, attempt: LOW if attempt == 0 and seen > 128 else FINE)
    run = finish(source, tmp_path / "run")  # anchors at 160, 320, …; low at 192 and 256
    assert [entry["images_seen"] for entry in events(run, "rollback")] == [128]


def test_where_no_state_was_sound_the_run_begins_anew(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(once)
    monkeypatch.setattr(session, "is_sound", lambda vitals: False)
    whole = finish(source, tmp_path / "whole")
    assert [(e["images_seen"], e["came_from"]) for e in events(whole, "rollback")] == [(0, 320)]
    assert checkpoint.newest(whole).facts["attempt"] == 1
    parts = train(source, tmp_path / "parts")
    list(islice(parts, 42))
    parts.close()
    assert differences(fingerprint(whole), fingerprint(finish(source, tmp_path / "parts"))) == []


def test_a_slow_beginning_is_no_collapse_and_does_not_hide_a_later_one(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path
) -> None:
    measure(lambda seen, attempt: LOW if seen <= 192 or (attempt == 0 and seen > 384) else FINE)
    ears = Ears()
    run = finish(source, tmp_path / "run", ears=ears)
    assert [event["images_seen"] for event in events(run, "warning")] == [128]
    assert [(e["images_seen"], e["came_from"]) for e in events(run, "rollback")] == [(384, 512)]


@pytest.fixture(scope="module")
def never_stopped(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Diversity], dict[str, Any]]:
    """What a run ends in that only the guard sent back, trained once for each course, which is to be installed."""

    @cache
    def ending(course: Diversity) -> dict[str, Any]:
        return fingerprint(finish(source, tmp_path_factory.mktemp("whole") / "run"))

    return ending


@pytest.mark.promise("A run that the guard sent back, stopped and continued equals one that was only sent back.")
@pytest.mark.parametrize("collapse", [once, always])
@pytest.mark.parametrize("steps", [25, 39, 41, 60])
def test_a_run_that_was_sent_back_is_resumed_to_the_bit(
    *,
    steps: int,
    collapse: Diversity,
    measure: Callable[[Diversity], None],
    never_stopped: Callable[[Diversity], dict[str, Any]],
    source: Path,
    tmp_path: Path,
) -> None:
    measure(collapse)
    whole = never_stopped(collapse)
    parts = train(source, tmp_path / "parts")
    list(islice(parts, steps))
    parts.close()
    assert differences(whole, fingerprint(finish(source, tmp_path / "parts"))) == []


class Killed(BaseException): ...


@pytest.mark.parametrize("place", ["after the measurement", "after the roll-back", "before it is kept", "after it"])
def test_wherever_it_is_killed_the_same_decision_is_taken_again(
    *,
    place: str,
    measure: Callable[[Diversity], None],
    never_stopped: Callable[[Diversity], dict[str, Any]],
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measure(once)
    whole = never_stopped(once)
    save, cure = session.Session.save, session.to_cure

    def killing_save(self: session.Session, *role: Any) -> Any:
        seen, attempt = self.state.images_seen, self.state.attempt
        if (place, seen, attempt) in (("after the roll-back", 192, 1), ("before it is kept", 192, 0)):
            raise Killed
        path = save(self, *role)
        if (place, seen, attempt) == ("after it", 192, 0):
            raise Killed
        return path

    def killing_cure(vitals: Vitals, training: Any, attempt: int) -> Any:
        if len(vitals.diversities) == 5 and place == "after the measurement":
            raise Killed
        return cure(vitals, training, attempt)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(session.Session, "save", killing_save)
        patch.setattr(session, "to_cure", killing_cure)
        finish(source, tmp_path / "parts")
    assert differences(whole, fingerprint(finish(source, tmp_path / "parts"))) == []


def test_after_so_many_times_it_is_only_said_and_the_run_goes_on_with_what_it_has(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path
) -> None:
    measure(always)
    ears = Ears()
    run = finish(source, tmp_path / "run", ears=ears)
    entries = events(run, "rollback")
    assert [(e["images_seen"], e["came_from"], e["attempt"]) for e in entries] == [(192, 320, 1), (192, 320, 2)]
    assert [event["kind"] for event in events(run, "warning")] == ["collapse"]
    assert [event["images_seen"] for event in events(run, "warning")] == [320]
    assert checkpoint.newest(run).facts["attempt"] == 2
    assert events(run, "end")[-1]["reason"] == "budget"


@pytest.mark.parametrize("more", [{"training__guard": False}, {"training__rollbacks": 0}])
def test_without_a_guard_an_alarm_changes_no_weight(
    more: Mapping[str, Any], measure: Callable[[Diversity], None], source: Path, tmp_path: Path
) -> None:
    measure(lambda seen, attempt: FINE)
    quiet = checkpoint.newest(finish(source, tmp_path / "quiet", **more))
    measure(always)
    loud = finish(source, tmp_path / "loud", **more)
    saved = checkpoint.newest(loud)
    assert saved.facts["attempt"] == 0
    assert [event["kind"] for event in events(loud, "warning")] == ["collapse"]
    assert [name for name in saved.tensors if not torch.equal(saved.tensors[name], quiet.tensors[name])] == []


def test_no_sound_state_is_kept_where_nobody_would_go_back_to_it(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path
) -> None:
    measure(lambda seen, attempt: FINE)
    guarded = finish(source, tmp_path / "guarded")
    best, _ = shelf.best(guarded)
    assert [path for path in shelf.paths(guarded) if shelf.is_sound(path) and path != best] == [
        path for path in shelf.paths(guarded) if "000000000576-sound" in path.name
    ]
    alone = finish(source, tmp_path / "alone", training__guard=False)
    assert not any(shelf.is_sound(path) for path in shelf.paths(alone))


def test_each_attempt_learns_half_as_fast(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(always)
    rates: dict[int, set[tuple[float, float]]] = {}
    advance_of = session.advance_of

    def listening(state: TrainingState, *rest: Any) -> Any:
        advance = advance_of(state, *rest)

        def step(*inputs: Any) -> Any:
            both = (state.generator_optimizer, state.discriminator_optimizer)
            rates.setdefault(state.attempt, set()).add(tuple(float(one.param_groups[0]["lr"]) for one in both))
            return advance(*inputs)

        return step

    monkeypatch.setattr(session, "advance_of", listening)
    constant = {"training__learning_rate_schedule": "constant", "training__generator_learning_rate": 5e-4}
    finish(source, tmp_path / "run", training__discriminator_learning_rate=2e-4, **constant)
    assert rates == {0: {(5e-4, 2e-4)}, 1: {(2.5e-4, 1e-4)}, 2: {(1.25e-4, 5e-5)}}


def test_a_nan_sends_a_guarded_run_back_to_the_last_anchor_of_any_kind(
    measure: Callable[[Diversity], None], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(lambda seen, attempt: FINE)
    advance_of = session.advance_of

    def breaking(state: TrainingState, *rest: Any) -> Any:
        advance = advance_of(state, *rest)

        def step(*inputs: Any) -> Any:
            numbers = advance(*inputs)
            if state.images_seen == 312 and not state.attempt:  # the step that ends at 320, where a look is due
                state.discriminator_optimizer.state_dict()["state"][0]["exp_avg"].fill_(math.nan)
            return numbers

        return step

    monkeypatch.setattr(session, "advance_of", breaking)
    run = finish(source, tmp_path / "run", training__anchor_every_images=100_000, runs__save_every_images=100_000)
    assert [(e["images_seen"], e["came_from"]) for e in events(run, "rollback")] == [(256, 320)]
    found = [checkpoint.read(path) for path in shelf.paths(run)]
    assert all(torch.isfinite(tensor).all() for saved in found for tensor in saved.tensors.values())


ILL = {
    "collapse": {"diversities": [FINE, LOW, LOW]},
    "explosion": {"margins": [4.0] * 20 + [400.0] * 3, "generator_losses": [3.0] * 23},
    "lost game": {"margins": [12.0] * 40, "generator_losses": [3.0 + place / 10 for place in range(40)]},
    "past the best": {"distances": [Distance(1.0, 0.9, 1.1), *[Distance(5.0, 4.9, 5.1)] * 2]},
    "blind": {
        "margins": [1.0] * 40 + [0.1] * 40,
        "distances": [Distance(1.0, 0.9, 1.1), *[Distance(5.0, 4.9, 5.1)] * 2],
    },
    "overfitting": {"overfitting": 0.9},
    "pale": {"contrasts": [0.9, 0.6, 0.6]},
}


@pytest.mark.parametrize("kind", ILL)
def test_only_some_alarms_are_worth_going_back_for(kind: str) -> None:
    vitals, guarded = Vitals(**ILL[kind]), TrainingConfig(guard=True)
    assert [alarm.kind for alarm in diagnose(vitals)] == [kind]
    cured = to_cure(vitals, guarded, 1)
    assert (cured and cured.kind) == (kind if kind in CURED else None)
    assert to_cure(vitals, guarded, 2) is None, "the roll-backs are used up"
    assert to_cure(vitals, TrainingConfig(), 0) is None, "no guard"


def lines(first: int, count: int, margin: float, loss: float) -> list[dict[str, Any]]:
    numbers = {"real_score": margin / 2, "fake_score": -margin / 2}
    return [
        {"event": "step", "images_seen": place, "generator_loss": loss + place / 10, **numbers}
        for place in range(first, first + count)
    ]


def test_scores_from_before_a_roll_back_ring_no_alarm_after_it() -> None:
    lost = lines(0, 40, 12.0, 3.0)
    assert [found.kind for found in new_alarms(lost)] == ["lost game"]
    back = {"event": "rollback", "images_seen": 39, "attempt": 1, "came_from": 60, "text": ""}
    assert new_alarms([*lost, back]) == []
    assert new_alarms([*lost, back, *lines(40, 9, 12.0, 3.0)]) == []
    assert [found.kind for found in new_alarms([*lost, back, *lines(40, 40, 12.0, 3.0)])] == ["lost game"]
