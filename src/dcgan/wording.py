"""Numbers and names as people read them: durations, counts, text that cannot steer a terminal."""

import math


def plain(text: object) -> str:
    """Any text in one line of visible characters: what would steer a terminal is shown as its escape sequence.

    File names may hold line breaks, colours, a change of writing direction or broken Unicode.
    """
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(text))


def duration(seconds: float) -> str:
    """``8 s``, ``3 min 20 s``, ``1 h 5 min``, ``2 d 3 h``; a dash for what is no time."""
    if not 0 <= seconds < 1e9:
        return "–"
    whole = round(seconds)
    for size, name, smaller, small_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name} {rest} {small_name}" if rest else f"{whole // size} {name}"
    return f"{whole} s"


def short_count(number: float) -> str:
    """``950``, ``12.8k``, ``200k``, ``2M``: at most four signs and a unit."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.4g}{unit}".replace("-", "−")
    return f"{number:.4g}".replace("-", "−")


def number(value: float) -> str:
    """Three digits that matter: 0.00123, 0.412, 3.14, 126."""
    if not math.isfinite(value):
        return "–"
    return (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}").replace("-", "−")


def last_name(source: str) -> str:
    """The name of a source without its folders: where data lies is nobody's business but its owner's."""
    return source.rstrip("/").rpartition("/")[2] or source
