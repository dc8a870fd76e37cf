"""Sizes, budgets and colours as people write them → numbers."""

import re
from dataclasses import dataclass
from typing import Literal

from dcgan.errors import UserError


def stages(height: int, width: int) -> int:
    """How often a network of this image size halves or doubles: height = base height x 2 ** stages, likewise width.

    The shorter side of the base is 4 … 7, so for each size there is exactly one answer.

    Raises:
        UserError: No such size; names the nearest.
    """
    for exponent in range(2, 7):
        base = min(height, width) / 2**exponent
        if 4 <= base < 8:
            if height % 2**exponent == 0 and width % 2**exponent == 0 and min(height, width) <= 256:
                return exponent
            if base.is_integer():
                longer = max(height, width)
                nearest = f"{round(longer / 2**exponent) * 2**exponent} for the longer side"
                raise UserError(f"--size {height}x{width}: {longer} is not a multiple of {2**exponent}. {nearest}.")
    sizes = [base * 2**exponent for exponent in range(2, 7) for base in (4, 5, 6, 7) if base * 2**exponent <= 256]
    shorter = min(height, width)
    below = max((size for size in sizes if size <= shorter), default=sizes[0])
    above = min((size for size in sizes if size >= shorter), default=sizes[-1])
    nearest = str(below) if below == above else f"{below} or {above}"
    raise UserError(
        f"--size {height if height == width else f'{height}x{width}'}: the shorter side must be 4, 5, 6 or 7 times a "
        f"power of two, from 16 to 256. Nearest: {nearest}."
    )


def parse_size(text: str) -> tuple[int, int]:
    """``"64"`` → (64, 64); ``"48x80"`` (height x width) → (48, 80)."""
    match = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text.strip())
    if not match:
        raise UserError(f"--size {text}: must be HEIGHT or HEIGHTxWIDTH in pixels, such as 64 or 48x80.")
    height = int(match[1])
    return height, int(match[2] or height)


@dataclass(frozen=True)
class Budget:
    """How long to train, in the unit in which it was asked for."""

    amount: float
    unit: Literal["seconds", "images", "epochs"]


def parse_budget(text: str) -> Budget:
    """``"90s"``, ``"10min"``, ``"2h"``, ``"6400"``, ``"200k"``, ``"2M"``, ``"20epochs"``."""
    units: dict[str, tuple[float, Literal["seconds", "images", "epochs"]]] = {
        "s": (1, "seconds"), "sec": (1, "seconds"), "min": (60, "seconds"), "h": (3600, "seconds"),
        "": (1, "images"), "k": (1e3, "images"), "M": (1e6, "images"), "images": (1, "images"),
        "epoch": (1, "epochs"), "epochs": (1, "epochs"),
    }  # fmt: skip
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip().replace("_", ""))
    if not match or match[2] not in units or float(match[1]) == 0:
        raise UserError(
            f"--budget {text}: must be a time (90s, 10min, 2h), a number of images (6400, 200k, 2M) "
            "or epochs (20epochs)."
        )
    factor, unit = units[match[2]]
    return Budget(float(match[1]) * factor, unit)


def background_colour(text: str) -> tuple[int, int, int]:
    """``"white"``, ``"black"`` or ``"#rrggbb"`` → three numbers from 0 to 255."""
    return colour_of("--background", text)


def colour_of(option: str, text: str) -> tuple[int, int, int]:
    """The same for any option.

    Raises:
        UserError: Not of this form.
    """
    text = {"white": "#ffffff", "black": "#000000", "grey": "#808080"}.get(text.strip().lower(), text.strip())
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise UserError(f"{option} {text}: must be white, black, grey or six hexadecimal digits such as #e0ffe0.")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
