"""The part of the page that says how good the images are: what ``evaluate`` measured."""

import math
from collections.abc import Sequence
from pathlib import Path

from dcgan.reporting.gallery import SHARE, embed
from dcgan.reporting.html import image, text
from dcgan.reporting.measures import HEAD, Measures
from dcgan.reporting.plain_measures import HEAD as PLAIN_HEAD
from dcgan.reporting.plain_measures import MEANINGS, Plain, plain_measures
from dcgan.runs.folder import RunFolder
from dcgan.wording import number

ClassShare = tuple[str, float, float, float]


def quality(run: RunFolder, measures: Measures) -> str:
    """A section, or nothing where nothing was measured."""
    parts = [_table(measures), _classes(measures), _sheets(run)] if measures.rows else []
    if not any(parts):
        return ""
    return f"<section><h2>How good they are</h2>{''.join(parts)}</section>"


def _table(measures: Measures) -> str:
    """In words first; all numbers with their protocols, and what each means, below."""
    found = plain_measures(measures.measurements)
    detectors = list(dict.fromkeys(one.detector for one in found))
    tables = "".join(_of_detector(name, [one for one in found if one.detector == name]) for name in detectors)
    remarks = "".join(f"<p>{text(remark)}</p>" for remark in measures.remarks)
    note = (
        '<p class="note">Beside each number stands what other real images get in the place of the samples. '
        '<a href="#measures">What each of them means</a>.</p>'
    )
    details = _details(measures, found)
    return f'<div class="pair">{tables}</div><div class="card prose below">{remarks}{note}{details}</div>'


def _of_detector(name: str, found: Sequence[Plain]) -> str:
    head = "".join(f'<th scope="col">{text(word)}</th>' for word in PLAIN_HEAD)
    rows = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in one.cells)}</tr>" for one in found)
    return (
        f'<figure class="card"><figcaption><b>Measured by {text(name)}</b></figcaption><div class="wide" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></figure>"
    )


def _details(measures: Measures, found: Sequence[Plain]) -> str:
    head = "".join(f"<th>{text(word)}</th>" for word in HEAD)
    rows = "".join(f"<tr>{''.join(f'<td>{text(cell)}</td>' for cell in row)}</tr>" for row in measures.rows)
    meanings = "".join(
        f"<p><b>{text(MEANINGS[measure][0])}</b>: {text(MEANINGS[measure][1])}</p>"
        for measure in dict.fromkeys(one.measure for one in found)
    )
    return (
        f'<details id="measures" open><summary>What each of them means</summary>{meanings}'
        "<p>A detector is a network that turns images into numbers; trust what two of them agree on. "
        "Compare numbers of the same name, against the same images, only.</p></details>"
        '<details><summary>Every number with its protocol</summary><div class="wide" tabindex="0"><table><thead><tr>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _classes(measures: Measures) -> str:
    """A bar for each class; the longer, the nearer to real images."""
    blocks = []
    for detector, classes in measures.classes.items():
        bars = "".join(map(_bar, sorted(classes, key=lambda one: one[1])))
        blocks.append(
            f'<figure class="card"><figcaption><b>Classes, best first</b><span>measured by {text(detector)}</span>'
            f'</figcaption>{bars}<p class="note">The longer the bar, the nearer the class is to real images of it. '
            "The number is the kernel distance as a share of that of real images of the other classes: 0 is as good as "
            "real, 1 no nearer than another class.</p></figure>"
        )
    return f'<div class="pair">{"".join(blocks)}</div>' if blocks else ""


def _bar(one: ClassShare) -> str:
    name, value, _, _ = one
    near = 1 - min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
    return (
        f'<div class="bar"><span>{text(name)}</span><meter min="0" max="1" value="{near:.4f}"></meter>'
        f"<span>{number(value)}</span></div>"
    )


def _sheets(run: RunFolder) -> str:
    sheets: tuple[tuple[Path, str, str], ...] = (
        (run.most_usual, "Most usual", "samples in the thick of the real images"),
        (run.least_usual, "Least usual", "samples farthest from anything real"),
        (run.copies, "Copies?", "samples above, the training images most like them below"),
    )
    shown = [(title, words, picture) for path, title, words in sheets if (picture := embed(path, SHARE))]
    figures = "".join(
        f'<figure class="card grid"><figcaption><b>{title}</b><span>{words}</span></figcaption>{image(picture, words)}'
        "</figure>"
        for title, words, picture in shown
    )
    return f'<div class="pair">{figures}</div>' if figures else ""
