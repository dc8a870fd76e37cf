"""The page of a comparison, and its tables: whole, safe, and true to the journals."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import Page

from dcgan.reporting.comparison import NUM_TONES, Side, course, tone, write_comparison
from dcgan.reporting.story import COLUMNS, Story
from dcgan.reporting.table import Table
from dcgan.runs.folder import RunFolder

Build = Callable[..., RunFolder]

TABLE = Table("Measurements", ["measure", "a", "b"], [["fd_tiny_10k", "12.5", "7"]], ["Lower is better."])


def twin(run: RunFolder, name: str, old: str, new: str) -> RunFolder:
    """A copy of a run with another setting."""
    other = RunFolder(run.root.parent / name)
    shutil.copytree(run.root, other.root)
    other.config.write_text(run.config.read_text().replace(old, new))
    return other


def page_of(path: Path, sides: list[Side], table: Table = TABLE) -> Page:
    write_comparison(path, "critters", "as they are", sides, [table])
    return Page(path.read_text(encoding="utf-8"))


@pytest.mark.promise("The page of a comparison is one file that needs nothing from elsewhere.")
def test_the_page_shows_sides_and_needs_nothing_from_elsewhere(build: Build, tmp_path: Path) -> None:
    run = build()
    other = twin(run, "other", "batch_size = 32", "batch_size = 64")
    page = page_of(tmp_path / "page.html", [Side("one", [run]), Side("two", [other, other])])
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert page.all("script") == []
    assert [image["alt"] for image in page.all("img")] == [
        "A grid of real images",
        "Images of one, run 1, after 200 images",
        "Images of two, run 1, after 200 images",
        "Images of two, run 2, after 200 images",
    ]
    words = page.words
    place = words.index("training.batch_size")
    assert words[place : place + 3] == ["training.batch_size", "32", "64"]
    assert "data.height" not in words  # the same for both
    assert words[words.index("fd_tiny_10k") + 1] == "12.5"
    curves = [path["class"] for path in page.all("path")]
    assert {"tone-1", "tone-2"} <= set(curves) and len([c for c in curves if c == "tone-2"]) == 4


@pytest.mark.promise("Names and messages are only text in the page of a comparison, whatever they contain.")
def test_hostile_names_are_only_text(build: Build, tmp_path: Path) -> None:
    attack = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>\x1b[31m\u202e'
    run = build(source=attack)
    table = Table(attack, ["measure", attack], [[attack, attack]], [attack])
    write_comparison(tmp_path / "page.html", attack, attack, [Side(attack, [run]), Side("b", [run])], [table])
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert page.all("script") == [] and not any("onerror" in attributes for _, attributes in page.elements)
    assert not any(sign in (tmp_path / "page.html").read_text() for sign in ("\x1b", "\u202e"))


def test_runs_that_never_began_have_a_page(tmp_path: Path) -> None:
    page = page_of(tmp_path / "page.html", [Side("one", [RunFolder(tmp_path / "none")]), Side("two", [])])
    assert page.words.count("No pictures yet.") == 2 and "Nothing measured yet." in page.words


def story(steps: list[float], values: list[float]) -> Story:
    columns = {name: np.array(values) for name in COLUMNS}
    return Story({}, {}, [], "finished", 0, None, 0.0, [], [], np.array(steps), columns)


def test_a_course_is_the_median_of_the_runs_that_came_so_far() -> None:
    stories = [story([1, 2, 3], [1, 1, 5]), story([1, 2, 3], [3, math.nan, 7]), story([1, 2], [8, math.nan])]
    steps, values = course(stories, "generator_loss")
    assert steps.tolist() == [1, 2, 3] and values.tolist() == [3, 1, 6]
    assert len(course([], "generator_loss")[0]) == 0


def test_every_side_up_to_sixteen_looks_different() -> None:
    assert len({tone(place) for place in range(2 * NUM_TONES)}) == 2 * NUM_TONES


cell = st.text("ab|\n\x1b<0", max_size=6)


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1)))
def test_a_table_is_the_same_in_a_terminal_on_a_page_and_in_markdown(rows: list[list[str]]) -> None:
    table = Table("t", rows[0], rows[1:])
    lines, markdown = table.lines(), table.markdown().splitlines()
    assert len(lines) == len(rows) + 2 and len(markdown) == len(rows) + 1
    assert all("\x1b" not in line for line in [*lines, *markdown])
    assert {line.count("|") for line in markdown} == {len(rows[0]) + 1}
    assert max(map(len, lines[1:])) <= len(lines[2])
    assert len(Page(table.html()).all("tr")) == len(rows)


def test_the_numbers_of_a_column_end_below_each_other() -> None:
    lines = Table("t", ["measure", "first"], [["a", "1"], ["longer", "12.5"]]).lines()
    assert lines == ["t", "measure  first", "--------------", "a            1", "longer    12.5"]
