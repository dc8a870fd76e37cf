"""The part of the page that says how good the images are: what ``evaluate`` measured."""

import math
from html import escape
from pathlib import Path

from dcgan.reporting.gallery import SHARE, Picture, embed
from dcgan.reporting.measures import HEAD, Measures, read_measures
from dcgan.runs.folder import RunFolder
from dcgan.wording import number, plain

_READING = (
    '<p class="note">A distance is good when it comes near to what other real images get, which stands beside it. '
    "Compare numbers of the same name against the same images only. docs/measuring.md explains each of them.</p>"
)


def quality(run: RunFolder) -> str:
    """A section, or nothing where nothing was measured."""
    measures = read_measures(run.evaluation)
    parts = [_table(measures), _classes(measures), _sheets(run)] if measures.rows else []
    if not any(parts):
        return ""
    return f"<section><h2>How good they are</h2>{''.join(parts)}</section>"


def _table(measures: Measures) -> str:
    head = "".join(f"<th>{_text(word)}</th>" for word in HEAD)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in measures.rows)
    remarks = "".join(f"<p>{_text(remark)}</p>" for remark in measures.remarks)
    return (
        f'<div class="card prose"><div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"</div>{remarks}{_READING}</div>"
    )


def _classes(measures: Measures) -> str:
    """A bar for each class; the longer, the worse."""
    blocks = []
    for detector, classes in measures.classes.items():
        longest = max((value for _, value, _, _ in classes if math.isfinite(value)), default=0.0)
        bars = "".join(
            f'<div class="bar"><span>{_text(name)}</span><meter min="0" max="{longest or 1:.6g}" '
            f'value="{max(value, 0):.6g}"></meter><span>{number(value)}</span></div>'
            for name, value, _, _ in sorted(classes, key=lambda one: one[1])
        )
        blocks.append(
            f'<figure class="card"><figcaption><b>Distance by class</b><span>seen by {_text(detector)}, best first'
            f"</span></figcaption>{bars}</figure>"
        )
    return f'<div class="pair">{"".join(blocks)}</div>' if blocks else ""


def _sheets(run: RunFolder) -> str:
    sheets: tuple[tuple[Path, str, str], ...] = (
        (run.most_usual, "Most usual", "samples in the thick of the real images"),
        (run.least_usual, "Least usual", "samples farthest from anything real"),
        (run.copies, "Copies?", "samples above, the training images most like them below"),
    )
    shown = [(title, words, picture) for path, title, words in sheets if (picture := embed(path, SHARE))]
    return f'<div class="pair">{"".join(_sheet(*one) for one in shown)}</div>' if shown else ""


def _sheet(title: str, words: str, picture: Picture) -> str:
    return (
        f'<figure class="card grid"><figcaption><b>{title}</b><span>{words}</span></figcaption>'
        f'<img src="{picture.address}" alt="{words}" width="{picture.width}" height="{picture.height}"></figure>'
    )


def _text(value: object) -> str:
    return escape(plain(value), quote=True)
