"""The page itself: a story and its pictures become HTML. All text from files passes through ``text``."""

import math
import shlex
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.reporting.chart import Chart, Line, draw
from dcgan.reporting.explored import explored
from dcgan.reporting.gallery import Gallery, Picture
from dcgan.reporting.html import document, image, text
from dcgan.reporting.judgement import Judgement, gain, judgement
from dcgan.reporting.measures import read_measures
from dcgan.reporting.quality import quality
from dcgan.reporting.settings import describe
from dcgan.reporting.story import Story
from dcgan.runs.folder import RunFolder
from dcgan.wording import duration, last_name, number, plain

_STATES = {
    "waiting": "Not started",
    "training": "Training …",
    "finished": "Finished",
    "interrupted": "Interrupted",
    "failed": "Ended by an error",
    "stopped": "Stopped without a word",
}

_BADGES = {"good": "Good", "doubtful": "Doubtful", "failed": "Failed"}

_READING = (
    '<div class="card prose soft"><p><b>How to read these curves</b></p>'
    "<p>The two networks play against each other, so neither loss has to fall for the images to get better. "
    "When the discriminator's loss sinks to nothing while the generator's climbs, the game is over: the generator "
    "no longer learns.</p>"
    "<p>A score is the discriminator's answer to an image; higher looks more real to it. The closer its scores for "
    "generated images are to those for real ones, the better it is being fooled.</p>"
    "<p>The faint line is what was measured, the strong one its smoothed course.</p></div>"
)


def render(run: RunFolder, story: Story, gallery: Gallery) -> str:
    """The whole page. It loads nothing and runs nothing but its own script, which its content policy enforces."""
    script = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
    refresh = '<noscript><meta http-equiv="refresh" content="30"></noscript>' if story.state == "training" else ""
    measures = read_measures(run.evaluation)
    judged = judgement(story, measures.measurements)
    shown = (_pictures(gallery), quality(run, measures), explored(run), _next(run, story, judged))
    parts = (*shown, _curves(story), _warnings(story), _words(story))
    content = f"{_header(story, judged)}<main>{''.join(parts)}</main>{_footer(story)}"
    return document(f"{_name(story)} · dcgan", content, state=story.state, script=script, head=refresh)


def _name(story: Story) -> str:
    """The source without its folders."""
    return last_name(str(story.config.get("data.source") or "A run"))


def _header(story: Story, judged: Judgement | None) -> str:
    config = story.config
    known = {
        "{} pixels": f"{config['data.height']} × {config['data.width']}" if "data.width" in config else None,
        "recipe {}": config.get("recipe"),
        "seed {}": config.get("seed"),
    }
    facts = ", ".join(words.format(text(value)) for words, value in known.items() if value is not None)
    total = story.images_total
    progress = ""
    if total and story.state != "finished":
        done = min(story.images_seen, total)
        progress = f'<progress aria-label="Images seen" max="{total}" value="{done}"></progress>'
    badge = verdict = ""
    if judged is not None:
        badge = f'<span class="state {judged.badge}">{_BADGES[judged.badge]}</span>'
        verdict = f'<p class="verdict {judged.badge}">{text(judged.reason)}</p>'
    return (
        f'<header><p class="over"><span class="state {story.state}">{_STATES[story.state]}</span>{badge}'
        f"<span>dcgan run, as of {time.strftime('%Y-%m-%d %H:%M')}</span></p>"
        f'<h1>{text(_name(story))}</h1><p class="sub">{facts}</p>{verdict}{progress}'
        f'<dl class="figures">{_figures(story)}</dl></header>'
    )


def _figures(story: Story) -> str:
    total = story.images_total
    facts: list[tuple[str, str, str]] = [("Images seen", f"{story.images_seen:,}", f"of {total:,}" if total else "")]
    if story.seconds > 0:
        left = ""
        if total and story.state == "training" and story.images_seen:
            seconds = max(0, total - story.images_seen) / story.images_per_second
            left = f"about {duration(float(f'{seconds:.2g}'))} to go"
        facts.append(("Training time", duration(story.seconds), left))
        facts.append(("Speed", number(story.images_per_second), "images per second"))
    if story.warnings:
        facts.append(("Warnings", str(len(story.warnings)), "see below"))
    return "".join(
        f"<div><dt>{name}</dt><dd>{value}{f'<small>{more}</small>' if more else ''}</dd></div>"
        for name, value, more in facts
    )


def _pictures(gallery: Gallery) -> str:
    if not gallery.frames and not gallery.reals:
        return '<section><h2>Images</h2><p class="empty">No pictures yet.</p></section>'
    parts = [_slider(gallery)] if gallery.frames else []
    if gallery.reals:
        parts.append(_still("Real images", "what it learns from", gallery.reals, "A grid of real images"))
    if gallery.fresh:
        words = "new latents, batch statistics"
        parts.append(_still("As the chapter shows them", words, gallery.fresh, "A grid of images from new latents"))
    return f'<section><h2>Generated beside real</h2><div class="pair">{"".join(parts)}</div></section>'


def _slider(gallery: Gallery) -> str:
    newest = len(gallery.frames) - 1
    words = [f"after {seen:,} images" for seen, _ in gallery.frames]
    pictures = "".join(
        image(picture, f"Generated images {said}", f'data-frame="{said}"' + ("" if index == newest else " hidden"))
        for index, (said, (_, picture)) in enumerate(zip(words, gallery.frames, strict=True))
    )
    notes = ["The same latents each time."]
    if gallery.num_grids > len(gallery.frames):
        notes.append(f"{len(gallery.frames)} of {gallery.num_grids} grids are shown.")
    if not all(picture.exact for _, picture in gallery.frames):
        notes.append("Compressed to keep this page small; the exact grids are in the run's samples folder.")
    turn = (
        '<div class="turn" id="turn" hidden><button type="button" id="play">Play</button>'
        f'<input type="range" id="slider" min="0" max="{newest}" value="{newest}" step="1" '
        f'aria-label="Moment of training" aria-valuetext="{words[-1]}"></div>'
        if newest
        else ""
    )
    return (
        f'<figure class="card grid"><figcaption><b>Generated images</b><span id="when">{words[-1]}</span></figcaption>'
        f'{pictures}{turn}<p class="note">{" ".join(notes)}</p></figure>'
    )


def _still(title: str, words: str, picture: Picture, said: str) -> str:
    return (
        f'<figure class="card grid"><figcaption><b>{title}</b><span>{words}</span></figcaption>'
        f"{image(picture, said, '')}</figure>"
    )


def _curves(story: Story) -> str:
    def line(name: str, key: str, column: str) -> Line:
        return Line(name, key, course.positions, course.columns[column])

    course = story.course
    losses = [
        line("Discriminator", "discriminator", "discriminator_loss"),
        line("Generator", "generator", "generator_loss"),
    ]
    scores = [line("Real", "real", "real_score"), line("Generated", "generator", "fake_score")]
    charts = [
        Chart("Losses", losses, course.unit, course.end, 0.0),
        Chart("Mean scores", scores, course.unit, course.end),
    ]
    if story.evaluations:
        seen, distances = np.array(story.evaluations, dtype=np.float64).T
        distance = Line("Kernel distance", "generator", seen, distances)
        charts.append(Chart("Distance from real images", [distance], "images seen", story.images_seen, 0.0))
    seconds = story.columns["seconds"]
    if len(seconds) > 1 and all(later > earlier for earlier, later in pairwise(seconds)):
        units = ((3600, "hours"), (60, "minutes"), (1, "seconds"))
        size, unit = next((size, unit) for size, unit in units if story.seconds >= 2 * size or size == 1)
        speed = Line("Images per second", "speed", seconds / size, story.columns["images_per_second"])
        charts.append(Chart("Speed", [speed], f"{unit} of training", story.seconds / size, 0.0))
    drawn = "".join(draw(chart) for chart in charts)
    return f'<section><h2>Course of the training</h2><div class="pair">{drawn}{_READING}</div></section>'


def _warnings(story: Story) -> str:
    if not story.warnings:
        return ""
    shown = story.warnings[-50:]
    items = "".join(f"<li>{text(words)}<span>after {seen:,} images</span></li>" for seen, words in reversed(shown))
    more = f'<p class="note">The newest {len(shown)} of {len(story.warnings)}.</p>' if len(story.warnings) > 50 else ""
    return f'<section><h2>Warnings</h2><ol class="warnings">{items}</ol>{more}</section>'


def _words(story: Story) -> str:
    """Settings and data side by side, every knob below."""
    blocks = (("Settings", describe(story.config, story.about)), ("Data", story.data[:60]))
    cards = "".join(
        f'<section><h2>{name}</h2><div class="card prose">{_paragraphs(sentences)}</div></section>'
        for name, sentences in blocks
        if sentences
    )
    return f'<div class="pair">{cards}</div>{_knobs(story.config)}' if cards else ""


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{text(sentence)}</p>" for sentence in sentences)


def _knobs(config: dict[str, Any]) -> str:
    rows = "".join(
        f"<div><dt>{text(key)}</dt><dd>{text(str(value).lower() if isinstance(value, bool) else value)}</dd></div>"
        for key, value in config.items()
    )
    return f'<details><summary>Every setting</summary><dl class="knobs">{rows}</dl></details>'


def _next(run: RunFolder, story: Story, judged: Judgement | None) -> str:
    """What to do now, each with its command."""
    folder = shlex.quote(plain(run.root))
    longer = judged.budget if judged is not None and judged.budget else 2 * (story.images_total or story.images_seen)
    if story.state == "finished":
        seconds = (longer - story.images_seen) / story.latest_speed if story.latest_speed else math.nan
        time_ = f" (about {duration(float(f'{seconds:.2g}'))})" if math.isfinite(seconds) else ""
        words = f"Train longer: the run goes on where it ended, to {longer:,} images{time_}. {gain(story)}"
        first = (words.rstrip(), f"dcgan train --out {folder} --budget {longer}")
    else:
        first = ("Go on after a stop, from the last checkpoint", f"dcgan train --out {folder}")
    new = shlex.quote(plain(run.root) + "-images")
    todo = [
        first,
        ("Draw 64 new images", f"dcgan sample {folder} --seeds 0-63 --out {new}"),
        ("Make a page that draws new images in any browser", f"dcgan export {folder} --to page"),
        ("Measure how good the images are", f"dcgan evaluate {folder} --samples 1000"),
    ]
    blocks = "".join(
        f'<div><p>{text(words)}</p><pre tabindex="0"><code>{text(command)}</code></pre></div>'
        for words, command in todo
    )
    return f'<section class="todo"><h2>What next</h2><div class="pair">{blocks}</div></section>'


def _footer(story: Story) -> str:
    known = [(name, story.about.get(name)) for name in ("dcgan", "torch", "python")]
    words = ", ".join(f"{name} {text(version)}" for name, version in known if version) or "dcgan"
    speed = "" if math.isnan(story.images_per_second) else "Times count training only, over all starts. "
    return f"<footer><p>{speed}Made with {words}.</p></footer>"
