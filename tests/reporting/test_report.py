"""The page of a run: whole, safe, small, and true to the journal."""

import json
import math
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcgan.reporting.chart import HEIGHT, WIDTH, Chart, Line, draw
from dcgan.reporting.curves import limits, segments, smooth, thin, ticks
from dcgan.reporting.report import write_report
from dcgan.reporting.settings import describe
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config, flatten

Build = Callable[..., RunFolder]

VOID = {"meta", "img", "input", "line", "path", "link", "br"}


class Page(HTMLParser):
    """Every element and its attributes; fails when the tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(run: RunFolder) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


@pytest.mark.promise("The report of a run is one page that needs nothing from elsewhere.")
def test_the_page_shows_a_run_and_needs_nothing_from_elsewhere(build: Build) -> None:
    run = build(grids=5)
    page = page_of(run)
    text = run.report.read_text()
    assert "Finished" in text and "4,000" in text and "64 × 64 pixels, recipe modern, seed 7" in text
    assert "No average: the last weights are the result." in page.words
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert not re.search(r"url\(|@import|https?://", text)
    assert page.all("html")[0]["lang"] == "en"
    assert all(image["alt"] and image["width"] for image in page.all("img"))


def test_without_script_only_the_newest_grid_shows(build: Build) -> None:
    page = page_of(build(grids=5))
    frames = [image for image in page.all("img") if "data-frame" in image]
    assert ["hidden" in frame for frame in frames] == [True, True, True, True, False]
    assert frames[-1]["data-frame"] == "after 400 images"
    assert page.all("input")[0]["max"] == "4"


def test_sixty_big_grids_stay_below_five_megabytes_and_the_page_says_so(build: Build) -> None:
    run = build(grids=60, size=24)
    page = page_of(run)
    assert run.report.stat().st_size <= 5_000_000
    frames = [image for image in page.all("img") if "data-frame" in image]
    assert (frames[0]["data-frame"], frames[-1]["data-frame"]) == ("after 0 images", "after 5,900 images")
    assert f"{len(frames)} of 60 grids are shown." in "".join(page.words)


def test_one_enormous_grid_is_made_smaller(build: Build) -> None:
    run = build(grids=1, size=150)
    assert "Compressed" in "".join(page_of(run).words)
    assert run.report.stat().st_size <= 5_000_000


@pytest.mark.promise("File names and messages are only text in the report, whatever they contain.")
def test_hostile_names_and_messages_are_only_text(build: Build) -> None:
    attack = '"><img src=x onerror=alert(1)>\x1b[31m\u202e</script><script>alert(2)</script>'
    run = build(source=attack)
    journal.record(run.journal, "warning", 100, text=attack)
    run.dataset.write_text(json.dumps({"lines": [attack, 5, None]}))
    run.about.write_text(json.dumps({"torch": attack, "generator_parameters": attack}))
    page = page_of(run)
    assert len(page.all("script")) == 1
    assert not any("onerror" in attributes for _, attributes in page.elements)
    assert not any(sign in run.report.read_text() for sign in ("\x1b", "\u202e"))
    assert sum(word.startswith('"><img src=x onerror=alert(1)>\\x1b[31m\\u202e') for word in page.words) >= 3


def test_a_run_with_nothing_but_its_config_has_a_page(build: Build) -> None:
    run = build(grids=0, steps=0)
    run.journal.unlink()
    run.reals.unlink()
    words = "".join(page_of(run).words)
    assert "Not started" in words and "No pictures yet." in words and "Nothing measured yet." in words


def test_an_empty_folder_and_broken_files_have_a_page(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert "Not started" in "".join(page_of(run).words)
    for path in (run.config, run.about, run.dataset, run.journal):
        path.write_bytes(b'\xff{"event": [nonsense\n[1]\n{"event": "step", "images_seen": "many"}\n')
    run.samples.mkdir()
    run.preview(100).write_bytes(b"no picture")
    assert "No pictures yet." in "".join(page_of(run).words)


def test_a_torn_journal_shows_what_is_whole(build: Build) -> None:
    run = build(end="")
    with run.journal.open("a") as file:
        file.write('{"event": "step", "images_seen": 4100, "discrim')
    words = "".join(page_of(run).words)
    assert "Training …" in words and "4,000" in words


@pytest.mark.parametrize(
    ("end", "words"), [("budget", "Finished"), ("interrupted", "Interrupted"), ("failed", "Ended by an error")]
)
def test_the_page_says_how_a_run_ended(build: Build, end: str, words: str) -> None:
    assert words in page_of(build(end=end)).words


def test_a_journal_that_fell_silent_is_not_called_training(build: Build) -> None:
    run = build(end="")
    assert any(meta.get("http-equiv") == "refresh" for meta in page_of(run).all("meta"))
    os.utime(run.journal, (1e9, 1e9))
    page = page_of(run)
    assert "Stopped without a word" in page.words
    assert not any(meta.get("http-equiv") == "refresh" for meta in page.all("meta"))


def test_losses_that_are_no_numbers_are_gaps(build: Build) -> None:
    page = page_of(build(steps=40))
    curves = [path for path in page.all("path") if path["class"] == "discriminator"]
    assert [path["d"].count("M") for path in curves] == [2]
    assert "Gaps, where a value is no finite number: 1." in "".join(page.words)
    assert "nan" not in "".join(path["d"] for path in page.all("path"))


numbers = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.sampled_from([0.0, 1e-300, -1e-12, 1e30, -1e30, 1e200]))


@settings(deadline=None)
@given(st.lists(numbers, min_size=1, max_size=400), st.sampled_from([None, 0.0]))
def test_every_coordinate_lies_within_the_view_box(values: list[float], floor: float | None) -> None:
    line = Line("a", "real", np.arange(1.0, len(values) + 1), np.array(values))
    page = Page(draw(Chart("a", [line], "images seen", 10.0, floor)))
    for path in page.all("path"):
        points = re.findall(r"[ML]([^ ML]+) ([^ ML]+)", path["d"])
        assert len(points) >= 1
        assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)
    for mark in page.all("line") + page.all("text"):
        assert all(0 <= float(mark[name]) <= WIDTH for name in ("x", "x1", "x2") if name in mark)
        assert all(0 <= float(mark[name]) <= HEIGHT for name in ("y", "y1", "y2") if name in mark)


@settings(deadline=None)
@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_round_and_within_the_range(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert len(found) <= 6
    assert all(low - 1e-6 * span - 1e-6 <= tick <= low + span * (1 + 1e-6) + 1e-6 for tick in found)


def test_ticks_of_simple_ranges() -> None:
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]
    assert ticks(0, 200_000, 4) == [0, 50_000, 100_000, 150_000, 200_000]


def test_smoothing_keeps_constants_lines_inside_and_gaps() -> None:
    values = np.full(100, 3.0)
    values[40] = math.nan
    assert np.allclose(smooth(values)[np.isfinite(values)], 3.0) and math.isnan(smooth(values)[40])
    line = np.arange(200.0)
    assert np.allclose(smooth(line)[30:-30], line[30:-30])


def test_a_single_spike_leaves_no_trace_in_the_smoothed_course_nor_in_the_range() -> None:
    values = np.ones(200)
    values[100] = 1000.0
    assert np.allclose(smooth(values), 1.0)
    assert limits([values])[1] < 2


def test_thinning_keeps_the_mean_and_shows_every_gap() -> None:
    steps, values = thin(np.arange(1000.0), np.arange(1000.0), 100)
    assert len(steps) == 100 and values.mean() == pytest.approx(499.5) and (steps == values).all()
    broken = np.ones(1000)
    broken[501] = math.nan
    assert np.isnan(thin(np.arange(1000.0), broken, 100)[1]).sum() == 1


def test_segments_are_the_stretches_between_gaps() -> None:
    assert segments(np.array([math.nan, 1, 2, math.nan, 3])) == [slice(1, 3), slice(4, 5)]


def test_parts_that_are_switched_on_are_told_and_others_are_not() -> None:
    plain = " ".join(describe(dict(flatten(Config())), {}))
    assert not any(word in plain for word in ("objective", "penalty", "rise", "fall", "Augmentation", "left to right"))
    changes = {
        "training.objective": "least_squares", "training.real_penalty": 0.5, "model.discriminator_norm": False,
        "training.learning_rate_schedule": "cosine", "training.learning_rate_warmup": 3000, "training.flip": "on",
        "training.augmentation": "colour,cutout",
    }  # fmt: skip
    told = " ".join(describe(dict(flatten(Config().asked(changes))), {}))
    biased = " ".join(describe(dict(flatten(Config().asked({"model.discriminator_bias": True}))), {}))
    assert "so that it can tell contrast" in biased
    assert "contrast" not in plain + told
    for sentence in (
        "The learning rates rise over the first 3,000 images and fall (cosine) over the last 100% of the run to 0%.",
        "The objective is least squares.", "A gradient penalty of 0.5 on real images.",
        "Augmentation: colour, cutout, at strength 0.3.", "Real images are shown left to right half of the time.",
    ):  # fmt: skip
        assert sentence in told
