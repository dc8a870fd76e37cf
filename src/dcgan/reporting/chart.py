"""A line chart as inline SVG: no script, readable aloud, coloured by the page's style sheet."""

from dataclasses import dataclass
from html import escape

import numpy as np

from dcgan.reporting.curves import limits, segments, smooth, thin, ticks
from dcgan.wording import number, short_count

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 48


@dataclass(frozen=True)
class Line:
    """One curve. ``key`` is its class in the style sheet, which chooses the colour."""

    name: str
    key: str
    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Chart:
    """What to draw. ``floor`` is a value that the vertical axis includes."""

    title: str
    lines: list[Line]
    step_label: str
    last_step: float
    floor: float | None = None


@dataclass(frozen=True)
class _Frame:
    """Data → coordinates within the view box; what lies outside is drawn at the edge."""

    first: float
    last: float
    low: float
    high: float

    def x(self, step: float) -> float:
        share = (step - self.first) / (self.last - self.first)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def draw(chart: Chart) -> str:
    """A figure: title with the last values, curves, axes. Without one finite number it says so."""
    shown = [line for line in chart.lines if np.isfinite(line.values).any()]
    if not shown:
        return (
            f'<figure class="chart"><figcaption><b>{escape(chart.title)}</b></figcaption>'
            '<p class="empty">Nothing measured yet.</p></figure>'
        )
    keys = "".join(f'<span class="key {line.key}">{escape(line.name)} <b>{_last(line)}</b></span>' for line in shown)
    frame = _frame(chart, shown)
    curves = "".join(_curve(line, frame) for line in shown)
    return (
        f'<figure class="chart"><figcaption><b>{escape(chart.title)}</b><span class="keys">{keys}</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(chart.title)}</title><desc>{escape(_description(shown))}</desc>"
        f"{_axes(chart, frame)}{curves}</svg>{_peaks(shown, frame)}</figure>"
    )


def _frame(chart: Chart, lines: list[Line]) -> _Frame:
    low, high = limits([line.values for line in lines], floor=chart.floor)
    last = max(chart.last_step, *(float(line.steps[-1]) for line in lines))
    return _Frame(0.0, last if last > 0 else 1.0, low, high)


def _curve(line: Line, frame: _Frame) -> str:
    """The measured points, faint, and their smoothed course; short curves have only the first, in full strength."""
    steps, values = thin(line.steps, line.values)
    raw = _path(steps, values, frame)
    if len(steps) < 32:
        return f'<path class="{line.key}" d="{raw}"/>'
    course = _path(steps, smooth(values), frame)
    return f'<path class="{line.key} faint" d="{raw}"/><path class="{line.key}" d="{course}"/>'


def _path(steps: np.ndarray, values: np.ndarray, frame: _Frame) -> str:
    """Straight lines from point to point, broken where a value is missing; a lone point becomes a dot."""
    parts = []
    for piece in segments(values):
        points = [
            f"{frame.x(step):.1f} {frame.y(value):.1f}" for step, value in zip(steps[piece], values[piece], strict=True)
        ]
        parts.append("M" + "L".join(points if len(points) > 1 else points * 2))
    return "".join(parts)


def _axes(chart: Chart, frame: _Frame) -> str:
    bottom = HEIGHT - BOTTOM
    parts = []
    for value in ticks(frame.low, frame.high):
        y = frame.y(value)
        kind = "zero" if value == 0 else "rule"
        parts.append(f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="up" x="{LEFT - 8}" y="{y + 4:.1f}">{short_count(round(value, 9))}</text>')
    for step in ticks(frame.first, frame.last, 4):
        x = frame.x(step)
        anchor = ' class="end"' if x > WIDTH - RIGHT - 16 else ""
        parts.append(f'<text{anchor} x="{x:.1f}" y="{bottom + 20}">{short_count(round(step, 9))}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="label" x="{middle:.0f}" y="{HEIGHT - 7}">{escape(chart.step_label)}</text>')
    return "".join(parts)


def _last(line: Line) -> str:
    return number(float(line.values[np.isfinite(line.values)][-1]))


def _description(lines: list[Line]) -> str:
    """The curves in words, for those who hear them."""
    sentences = []
    for line in lines:
        values = line.values[np.isfinite(line.values)]
        sentence = f"{line.name}: from {number(values[0])} to {number(values[-1])}, "
        sentences.append(sentence + f"lowest {number(values.min())}, highest {number(values.max())}")
        if missing := len(line.values) - len(values):
            sentences[-1] += f", {missing} not a finite number"
    return ". ".join(sentences) + "."


def _peaks(lines: list[Line], frame: _Frame) -> str:
    """An honest word where the range leaves something out."""
    highest = max(float(np.nanmax(line.values)) for line in lines)
    lowest = min(float(np.nanmin(line.values)) for line in lines)
    notes = []
    if highest > frame.high:
        notes.append(f"peaks up to {number(highest)}")
    if lowest < frame.low:
        notes.append(f"dips down to {number(lowest)}")
    missing = sum(int((~np.isfinite(line.values)).sum()) for line in lines)
    words = f"Cut off: {' and '.join(notes)}. " if notes else ""
    words += f"Gaps, where a value is no finite number: {missing}." if missing else ""
    return f'<p class="note">{escape(words.strip())}</p>' if words else ""
