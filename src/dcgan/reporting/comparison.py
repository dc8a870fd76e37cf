"""Runs side by side as one HTML file: tables, grids, curves, and the settings in which they differ."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcgan.files import write_atomically
from dcgan.reporting.chart import Chart, Line, draw
from dcgan.reporting.gallery import embed
from dcgan.reporting.html import document, image, text
from dcgan.reporting.story import Story, read_story
from dcgan.reporting.table import Table
from dcgan.runs.folder import RunFolder
from dcgan.wording import plain

NUM_TONES = 8
PICTURE_BYTES = 3_300_000  # of all grids together
LOSSES = {"discriminator_loss": "Discriminator's loss", "generator_loss": "Generator's loss"}
REPEATS = ("seed", "training.images_per_second", "undecided", "open", "reasons")
"""Settings that differ within one side, or follow from the rest; open is what undecided was called."""


@dataclass(frozen=True)
class Side:
    """One of the things compared, and its runs: one, or one for each seed."""

    name: str
    runs: Sequence[RunFolder]


@dataclass(frozen=True)
class _Read:
    """A side as its run folders tell it."""

    name: str
    runs: Sequence[RunFolder]
    stories: Sequence[Story]


def write_comparison(path: Path, title: str, facts: str, sides: Sequence[Side], tables: Sequence[Table]) -> None:
    """Write the page, whole or not at all; whatever a run folder does not hold is left out.

    Raises:
        UserError: The file cannot be written.
    """
    read = [_Read(side.name, side.runs, [read_story(run) for run in side.runs]) for side in sides]
    shown = [*tables, *([found] if (found := settings_table(read)) else [])]
    header = (
        f'<header><p class="over"><span>dcgan comparison, as of {time.strftime("%Y-%m-%d %H:%M")}</span></p>'
        f'<h1>{text(title)}</h1><p class="sub">{text(facts)}</p></header>'
    )
    body = "".join(
        (shown[0].html() if shown else "", _grids(read), _curves(read), *(table.html() for table in shown[1:]))
    )
    versions = {str(story.about["dcgan"]) for side in read for story in side.stories if "dcgan" in story.about}
    footer = f"<footer><p>Made with dcgan {text(', '.join(sorted(versions)))}.</p></footer>"
    content = f"{header}<main>{body}</main>{footer}"
    write_atomically(path, document(f"{title} · dcgan", content, state="finished").encode())


def settings_table(sides: Sequence[_Read]) -> Table | None:
    """The settings that are not the same for all sides; None when all are."""
    configs = [side.stories[0].config if side.stories else {} for side in sides]
    keys = dict.fromkeys(key for config in configs for key in config if key not in REPEATS)
    cells = {key: [_said(config.get(key)) for config in configs] for key in keys}
    rows = [[key, *values] for key, values in cells.items() if len(set(values)) > 1]
    return Table("Settings that differ", ["setting", *(side.name for side in sides)], rows) if rows else None


def course(stories: Sequence[Story], column: str) -> tuple[np.ndarray, np.ndarray]:
    """Images seen, and the median there over the runs that came so far; NaN where none of them has a finite number."""
    positions = np.unique(np.concatenate([story.steps for story in stories] or [np.empty(0)]))
    values = np.full((len(stories), len(positions)), np.nan)
    for row, story in zip(values, stories, strict=True):
        row[np.searchsorted(positions, story.steps)] = story.columns[column]
    known = [column[np.isfinite(column)] for column in values.T]
    return positions, np.array([np.median(found) if len(found) else np.nan for found in known])


def _curves(sides: Sequence[_Read]) -> str:
    charts = []
    for column, title in LOSSES.items():
        over_images, over_time = [], []
        for place, side in enumerate(sides):
            steps, values = course(side.stories, column)
            minutes = course(side.stories, "seconds")[1] / 60
            over_images.append(Line(plain(side.name), tone(place), steps, values))
            timed = np.isfinite(minutes)
            over_time.append(Line(plain(side.name), tone(place), minutes[timed], values[timed]))
        for lines, label in ((over_images, "images seen"), (over_time, "minutes of training")):
            last = max((float(line.steps[-1]) for line in lines if len(line.steps)), default=1.0)
            charts.append(draw(Chart(title, lines, label, last, 0.0)))
    several = any(len(side.runs) > 1 for side in sides)
    note = '<p class="note">Each curve is the median of the repeats that came so far.</p>' if several else ""
    losses = '<p class="note">The losses say how the game goes, not how good the images are.</p>'
    return f'<section><h2>Course of the training</h2><div class="pair">{"".join(charts)}</div>{note}{losses}</section>'


def _grids(sides: Sequence[_Read]) -> str:
    """The last grid of every run, of the same latents for all, and one grid of real images."""
    share = PICTURE_BYTES // (sum(len(side.runs) for side in sides) + 1)
    reals = [picture for side in sides[:1] for run in side.runs[:1] if (picture := embed(run.reals, share))]
    cards = [_card("Real images", "", [image(picture, "A grid of real images") for picture in reals])] if reals else []
    for place, side in enumerate(sides):
        pictures = []
        for number, run in enumerate(side.runs, start=1):
            for seen, path in run.previews()[-1:]:
                said = f"Images of {text(side.name)}, run {number}, after {seen:,} images"
                pictures += [image(picture, said)] if (picture := embed(path, share)) else []
        words = ", ".join(dict.fromkeys(f"after {story.images_seen:,}" for story in side.stories))
        cards.append(_card(f'<span class="key {tone(place)}">{text(side.name)}</span>', f"{words} images", pictures))
    return f'<section><h2>The last grids</h2><div class="pair">{"".join(cards)}</div></section>'


def _card(title: str, words: str, pictures: Sequence[str]) -> str:
    inside = f'<div class="repeats">{"".join(pictures)}</div>' if pictures else '<p class="empty">No pictures yet.</p>'
    return f'<figure class="card grid"><figcaption><b>{title}</b><span>{words}</span></figcaption>{inside}</figure>'


def tone(place: int) -> str:
    """The class of the style sheet that colours a side; after the last colour they come again, dashed."""
    return f"tone-{place % NUM_TONES + 1}" + (" dashed" if place >= NUM_TONES else "")


def _said(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ",".join(map(str, value)) or "all"
    return str(value).lower() if isinstance(value, bool) else str(value)
