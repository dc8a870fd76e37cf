"""What a run is told of itself."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dcgan.evaluation.measures.neighbours import fidelity
from dcgan.reporting.judgement import FEWEST_STEPS, expected_coverage, gain, judgement
from dcgan.reporting.measures import read_measures
from dcgan.reporting.plain_measures import MEANINGS, plain_measures
from dcgan.reporting.report import write_report
from dcgan.reporting.story import read_story
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder

Build = Callable[..., RunFolder]


def measured(name: str, value: float, floor: float | None = None, **more: Any) -> dict[str, Any]:
    measure, detector = name.rsplit("_", 1)
    protocol = {
        "detector": detector, "num_samples": 1000, "reference": "critters", "fingerprint": "f", "split": "held out",
        "num_reference": 5000, "resize": "none", "seconds": 1.0,
    }  # fmt: skip
    facts = {"name": f"{measure}_{detector}_1k", "value": value, "protocol": protocol, "interval": None}
    return facts | {"floor": floor, "excess": None if floor is None else value - floor} | more


def long_run(build: Build, distances: dict[int, float] | None = None) -> RunFolder:
    run = build(steps=300)  # of 100 images: 938 updates
    for seen, distance in (distances or {}).items():
        journal.record(run.journal, "evaluation", seen, name="kid_tiny_1k", distance=distance, low=0, high=1)
    journal.record(run.journal, "end", 30_000, seconds=300.0, reason="budget")
    return run


def test_a_run_of_few_steps_is_too_short_and_says_what_would_do_and_how_long_that_takes(build: Build) -> None:
    judged = judgement(read_story(build(steps=40)))
    assert judged is not None and judged.badge == "doubtful" and judged.budget is not None
    assert "Too short" in judged.reason and judged.budget > 2 * FEWEST_STEPS * 32
    seconds = (judged.budget - 4000) / 100  # at 100 images a second
    assert f"{seconds // 60:.0f} min" in judged.reason


@pytest.mark.parametrize(
    ("coverage", "badge"), [(0.9, "good"), (0.5, "good"), (0.4, "doubtful"), (0.1, "doubtful"), (0.01, "failed")]
)
def test_the_badge_follows_the_coverage_beside_that_of_real_images(build: Build, coverage: float, badge: str) -> None:
    story = read_story(long_run(build))
    both = [measured("coverage_tiny", 0.8 * coverage, 0.8), measured("coverage_second", 0.79, 0.8)]
    judged = judgement(story, both)
    assert judged is not None and judged.badge == badge and f"{coverage:.0%}" in judged.reason


def test_copies_make_a_good_run_doubtful(build: Build) -> None:
    story = read_story(long_run(build))
    judged = judgement(story, [measured("coverage_tiny", 0.8, 0.8), measured("copies_suspects_tiny", 0.4)])
    assert judged is not None and judged.badge == "doubtful" and "copies" in judged.reason


@pytest.mark.parametrize(("distance", "badge"), [(0.05, "good"), (0.7, "doubtful"), (9.0, "failed")])
def test_without_an_evaluation_the_distance_measured_in_training_decides(
    build: Build, distance: float, badge: str
) -> None:
    judged = judgement(read_story(long_run(build, {30_000: distance})))
    assert judged is not None and judged.badge == badge


def test_a_run_that_ended_by_an_error_failed_and_one_that_goes_on_is_not_judged(build: Build) -> None:
    run = build(end="failed")
    judged = judgement(read_story(run))
    assert judged is not None and judged.badge == "failed"
    journal.record(run.journal, "start", 4000, images=9000)
    assert judgement(read_story(run)) is None


def test_the_coverage_of_perfect_samples_is_what_the_formula_says() -> None:
    draw = torch.Generator().manual_seed(0)
    found = [fidelity(torch.randn(200, 8, generator=draw), torch.randn(500, 8, generator=draw)) for _ in range(20)]
    mean = float(np.mean([one.coverage for one in found]))
    assert abs(mean - expected_coverage(200, 500)) < 0.03
    assert math.isclose(expected_coverage(1, 2, 1), 0.5)


def test_the_gain_of_more_training_is_read_off_the_second_half(build: Build) -> None:
    falling = read_story(long_run(build, {10_000: 0.8, 15_000: 0.4, 30_000: 0.2}))
    assert "fell by 50%" in gain(falling)


def test_of_a_run_that_was_never_measured_no_gain_is_promised(build: Build) -> None:
    assert gain(read_story(build())) == ""


def test_where_the_distance_no_longer_falls_more_training_is_not_recommended(build: Build) -> None:
    assert "hardly fell" in gain(read_story(long_run(build, {10_000: 0.3, 15_000: 0.21, 30_000: 0.2})))


def test_every_measure_has_a_meaning_and_distances_are_said_beside_real_images() -> None:
    rows = plain_measures(
        [measured("fd_tiny", 6.0, 2.0), measured("precision_tiny", 0.9, 0.95), measured("recall_tiny", 0.0)]
    )
    assert [row.cells for row in rows] == [
        ("Fréchet distance", "6", "2", "3 times that of real images"),
        ("Precision", "0.9", "0.95", "like real images"),
        ("Recall", "0", "", "nothing"),
    ]
    assert all(sentence.endswith((".", "?")) for _, sentence in MEANINGS.values())


def test_the_page_judges_explains_and_says_what_next(build: Build) -> None:
    run = long_run(build)
    numbers = [measured("coverage_tiny", 0.7, 0.8)]
    run.evaluation.write_text(json.dumps({"of": "run", "remarks": [], "measurements": numbers}))
    page = write_report(run).read_text(encoding="utf-8")
    assert '<span class="state good">Good</span>' in page and 'href="#measures"' in page and 'id="measures"' in page
    for command in ("dcgan train --out", "dcgan sample", "--to page", "dcgan evaluate"):
        assert command in page
    assert "docs/" not in page


def test_the_nearest_class_has_the_longest_bar(build: Build) -> None:
    run = long_run(build)
    classes = [
        measured("share_tiny", value, interval=[0, 1]) | {"name": f"share_tiny_1k[{name}]"}
        for name, value in (("far", 1.4), ("near", 0.01), ("middle", 0.5))
    ]
    numbers = [measured("coverage_tiny", 0.7, 0.8), *classes]
    run.evaluation.write_text(json.dumps({"of": "run", "remarks": [], "measurements": numbers}))
    page = write_report(run).read_text(encoding="utf-8")
    shown = page.split('class="bar"')[1:]
    names = [part.split("<span>")[1].split("<")[0] for part in shown]
    lengths = [float(part.split('value="')[1].split('"')[0]) for part in shown]
    assert names == ["near", "middle", "far"] and lengths == sorted(lengths, reverse=True) and lengths[1] == 0.5


@pytest.mark.parametrize(
    "wrong", [{"protocol": 7}, {"value": "x"}, {"value": math.inf}, {"protocol": {"detector": "t"}}]
)
def test_a_damaged_evaluation_is_never_judged_by(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(json.dumps({"remarks": [], "measurements": [measured("coverage_tiny", 0.7) | wrong]}))
    assert read_measures(path).measurements == []
