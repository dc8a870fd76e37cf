from itertools import pairwise
from typing import Any

import pytest

from dcgan.settings.knobs import TrainingConfig
from dcgan.training.schedules import Rates, falling, follows_end, learning_rate_factor, rates_at


def training(**changes: object) -> TrainingConfig:
    return TrainingConfig(images=1000, batch_size=10, **changes)


@pytest.mark.parametrize("shape", ["constant", "linear", "cosine"])
def test_a_schedule_starts_at_one_ends_at_its_end_and_never_rises(shape: str) -> None:
    values = [falling(step / 100, shape, 0.25) for step in range(-10, 111)]
    assert values[:11] == [1.0] * 11
    assert values[110:] == pytest.approx([1.0 if shape == "constant" else 0.25] * 11)
    assert all(before >= after for before, after in pairwise(values))


def test_the_shapes_are_a_line_and_half_a_cosine_wave() -> None:
    assert falling(0.25, "linear", 0.2) == pytest.approx(0.8)
    assert falling(0.25, "cosine", 0.0) == pytest.approx((1 + 2**-0.5) / 2)
    assert falling(0.5, "cosine", 0.2) == pytest.approx(0.6)


def test_a_learning_rate_falls_over_the_last_share_only() -> None:
    config = training(learning_rate_schedule="linear", learning_rate_decay=0.2, learning_rate_final=0.1)
    factors = [learning_rate_factor(config, seen) for seen in (0, 790, 800, 900, 1000)]
    assert factors == pytest.approx([1, 1, 1, 0.55, 0.1])


def test_a_learning_rate_warms_up_from_the_first_step_on() -> None:
    config = training(learning_rate_warmup=40)
    factors = [learning_rate_factor(config, seen) for seen in (0, 10, 20, 30, 40, 990)]
    assert factors == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_each_attempt_of_a_guarded_run_learns_half_as_fast_and_no_other() -> None:
    plan = {"learning_rate_schedule": "linear", "learning_rate_final": 0.5}
    guarded, alone = training(guard=True, **plan), training(**plan)
    assert [learning_rate_factor(guarded, 500, attempt) for attempt in range(3)] == [0.75, 0.375, 0.1875]
    assert {learning_rate_factor(alone, 500, attempt) for attempt in range(3)} == {0.75}


def test_by_default_nothing_changes_from_step_to_step_but_the_average() -> None:
    assert {learning_rate_factor(training(), seen) for seen in range(0, 1000, 10)} == {1.0}
    assert {rates_at(training(), seen, 10)[1:] for seen in range(0, 1000, 10)} == {Rates(penalty=None)[1:]}


def test_a_lazy_penalty_is_paid_as_much_in_all() -> None:
    lazy, eager = (training(real_penalty=1.0, penalty_every=every) for every in (4, 1))
    paid = [[rates_at(config, seen, 10).penalty for seen in range(0, 1000, 10)] for config in (lazy, eager)]
    assert paid[0][:5] == [4, None, None, None, 4]
    assert sum(filter(None, paid[0])) == sum(filter(None, paid[1])) == 100


def test_a_penalty_falls_to_its_end_after_four_fifths_of_the_run() -> None:
    config = training(fake_penalty=1.0, penalty_final=0.1)
    assert [rates_at(config, seen, 10).penalty for seen in (0, 400, 800, 990)] == pytest.approx([1, 0.55, 0.1, 0.1])


@pytest.mark.parametrize(
    ("settings", "begins"),
    [
        ({}, None),
        ({"learning_rate_schedule": "linear", "learning_rate_decay": 0.4}, 600),
        ({"learning_rate_schedule": "linear", "learning_rate_final": 1.0}, None),
        ({"learning_rate_warmup": 300}, None),
        ({"fake_penalty": 1.0}, None),
        ({"fake_penalty": 1.0, "penalty_final": 0.1}, 0),
        ({"penalty_final": 0.1}, None),
        ({"augmentation": ("cutout",)}, 0),
        ({"augmentation": ("cutout",), "augmentation_schedule": "constant"}, None),
    ],
)
def test_what_follows_the_end_of_a_run_is_told_from_when_it_begins(
    settings: dict[str, Any], begins: int | None
) -> None:
    told = [seen for seen in range(0, 1010, 10) if follows_end(training(**settings), seen)]
    assert told == ([] if begins is None else list(range(begins + 10, 1010, 10)))


def test_the_average_can_follow_the_length_of_the_run() -> None:
    assert rates_at(training(average_width=0.1), 0, 10).kept == 0
    assert rates_at(training(average_width=0.1), 990, 10).kept == pytest.approx(0.99**7.937, rel=1e-3)
    assert training(average_width=0.1, average_half_life=None).averaged
    assert not training(average_half_life=None).averaged
