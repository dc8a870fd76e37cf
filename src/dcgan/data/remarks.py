"""What a person should know of the pixels before an hour is spent on them."""

from collections.abc import Sequence

from dcgan.data.reading import ImageFacts
from dcgan.notation import background_colour
from dcgan.settings.knobs import DataConfig

_SHARE = 10
"""A tenth of the images is worth a word."""
_DARK = 4
"""Images that never reach a quarter of white are nearly black."""


def pixel_remarks(used: Sequence[ImageFacts], config: DataConfig) -> list[str]:
    """Images of one flat colour, and images that are nearly black, where they are many."""
    opaque = [facts for facts in used if not facts.transparent]  # a black icon is seen on white
    dark = [_dark([facts for facts in opaque if facts.bits == bits], len(used)) for bits in (8, 16)]
    return list(filter(None, [_flat(used, config), *dark]))


def _flat(used: Sequence[ImageFacts], config: DataConfig) -> str:
    flat = [facts for facts in used if facts.is_flat]
    if not flat or _SHARE * len(flat) < len(used):
        return ""
    words = f"{len(flat):,} of {len(used):,} images are one flat colour"
    if config.channels == "rgba":
        return f"{words}, or wholly transparent."
    if config.alpha == "drop" or not any(facts.transparent for facts in flat):
        return f"{words}."
    other = "black" if sum(background_colour(config.background)) > 3 * 127 else "white"
    return (
        f"{words} once they are painted over {config.background}: try --background {other}, --channels rgba or "
        "--set data.alpha=drop."
    )


def _dark(group: Sequence[ImageFacts], count: int) -> str:
    """``group``: images of as many bits, of ``count`` in all."""
    if not group or _SHARE * len(group) < count:
        return ""
    lowest, highest = min(facts.lowest for facts in group), max(facts.highest for facts in group)
    white = 2 ** group[0].bits - 1
    if highest == 0 or _DARK * highest > white:
        return ""
    values = f"Values are {lowest:,} … {highest:,} of {white:,} ({highest / white:.0%}): nearly black"
    if group[0].bits == 16:
        depth = highest.bit_length()
        return f"{values}. If these are images of {depth} bits, multiply them by {2 ** (16 - depth):,}."
    return f"{values}. If that is not meant (class numbers, for example), multiply them by {white // highest}."
