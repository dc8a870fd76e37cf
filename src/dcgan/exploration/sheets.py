"""Sheets: rows of small images with words beside them, as one picture that can be read alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from dcgan.data.pixels import png, viewable
from dcgan.tensors import Pixels

SMALLEST = 64  # pixels of an image's shorter side on a sheet: smaller ones are enlarged by a whole number
GAP, MARGIN = 4, 10
TEXT, LINE = 14, 18
INK, PALE = "#1d1f24", "#6a6f78"
EMPTY, FULL = "#eceef1", "#4c78a8"


@dataclass(frozen=True)
class Row:
    """Images side by side."""

    pictures: np.ndarray
    """n h w c, uint8 or uint16."""
    words: str = ""
    """To their left: the first line is dark, the others are pale."""
    breaks: tuple[int, ...] = ()
    """Numbers of the images that a wider gap comes before."""


def pictures_of(pixels: Pixels) -> np.ndarray:
    """n c h w → n h w c as an array."""
    return pixels.permute(0, 2, 3, 1).numpy()


def sheet(rows: Sequence[Row], *, head: str = "", scale: int | None = None) -> bytes:
    """The rows below each other, a line of text above them: the bytes of a PNG file.

    ``scale``: how many pixels each pixel becomes; None: as many as make small images easy to see.
    """
    assert rows
    shown = [[solid(picture) for picture in row.pictures] for row in rows]
    scale = scale or scale_of(shown[0][0])
    words = max((text_width(line) for row in rows for line in row.words.splitlines()), default=0)
    left = MARGIN + (words + MARGIN if words else 0)
    top = MARGIN + (LINE + GAP if head else 0)
    sizes = [_row_size(row, pictures, scale) for row, pictures in zip(rows, shown, strict=True)]
    width = max(left + max(size[0] for size in sizes), MARGIN + text_width(head)) + MARGIN
    page = Image.new("RGB", (width, top + sum(size[1] + GAP for size in sizes) - GAP + MARGIN), "white")
    if head:
        write(page, (MARGIN, MARGIN), head)
    for row, pictures, size in zip(rows, shown, sizes, strict=True):
        write(page, (MARGIN, top), row.words)
        for number, picture in enumerate(pictures):
            at = left + number * (picture.width * scale + GAP) + 3 * GAP * sum(each <= number for each in row.breaks)
            page.paste(enlarged(picture, scale), (at, top))
        top += size[1] + GAP
    return png(np.asarray(page))


def shades(shares: Tensor) -> np.ndarray:
    """Shares h w from 0 to 1 as a picture 1 h w 3, the larger the darker."""
    dark = ((1 - shares.numpy()) * 255).round().astype(np.uint8)
    return np.repeat(dark[None, :, :, None], 3, axis=3)


def solid(picture: np.ndarray) -> Image.Image:
    """One image h w c as it is looked at: RGB, what is transparent over white."""
    seen = viewable(picture[None])[0]
    image = Image.fromarray(seen[:, :, 0] if seen.shape[-1] == 1 else seen)
    if image.mode != "RGBA":
        return image.convert("RGB")
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A"))
    return page


def scale_of(picture: Image.Image, least: int = SMALLEST) -> int:
    """The whole number that brings the shorter side to at least ``least`` pixels."""
    return max(1, -(-least // min(picture.size)))


def enlarged(picture: Image.Image, scale: int) -> Image.Image:
    """Every pixel becomes ``scale`` x ``scale``."""
    size = (picture.width * scale, picture.height * scale)
    return picture if scale == 1 else picture.resize(size, Image.Resampling.NEAREST)


def text_width(line: str) -> int:
    """Pixels that a line of text takes."""
    return int(ImageFont.load_default(TEXT).getlength(line)) + 1


def write(page: Image.Image, corner: tuple[int, int], words: str) -> None:
    """Lines of text from their upper left corner: the first dark, the others pale."""
    brush, font = ImageDraw.Draw(page), ImageFont.load_default(TEXT)
    for number, line in enumerate(words.splitlines()):
        brush.text((corner[0], corner[1] + number * LINE), line, fill=PALE if number else INK, font=font)


def _row_size(row: Row, pictures: Sequence[Image.Image], scale: int) -> tuple[int, int]:
    width = sum(picture.width * scale + GAP for picture in pictures) - GAP + 3 * GAP * len(row.breaks)
    tallest = max((picture.height * scale for picture in pictures), default=0)
    return width, max(tallest, LINE * len(row.words.splitlines()))


@dataclass(frozen=True)
class Bar:
    """A share as a horizontal bar."""

    name: str
    share: float
    """0 … 1."""
    words: str
    """Behind the bar."""
    spread: float = 0.0
    """Half the length of the line over its end."""


def bars(rows: Sequence[Bar], *, head: str = "", length: int = 400) -> bytes:
    """Bars below each other, ``length`` pixels for a share of 1: the bytes of a PNG file."""
    left = 2 * MARGIN + max(text_width(row.name) for row in rows)
    width = max(left + length + 2 * MARGIN + max(text_width(row.words) for row in rows), text_width(head) + 2 * MARGIN)
    top = MARGIN + (LINE + GAP if head else 0)
    page = Image.new("RGB", (width, top + len(rows) * (LINE + GAP) - GAP + MARGIN), "white")
    write(page, (MARGIN, MARGIN), head)
    brush = ImageDraw.Draw(page)
    for row in rows:
        end, middle = left + round(row.share * length), top + LINE // 2
        write(page, (MARGIN, top), row.name)
        brush.rectangle((left, top, left + length, top + LINE), fill=EMPTY)
        brush.rectangle((left, top, end, top + LINE), fill=FULL)
        reach = round(row.spread * length)
        brush.line((end - reach, middle, end + reach, middle), fill=INK, width=2)
        write(page, (left + length + MARGIN, top), row.words)
        top += LINE + GAP
    return png(np.asarray(page))
