"""A small tree of image files in every mode that the chapter's sprites have, drawn from whole numbers alone."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES = {"RGB": (13, 21), "RGBA": (70, 33), "L": (9, 64), "LA": (64, 9), "P": (31, 90), "CMYK": (17, 50), "1": (20, 15)}


def draw(mode: str, width: int, height: int) -> Image.Image:
    """One picture with edges, slopes and noise in every channel."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    channels = [
        (x * (7 + 3 * channel) + y * (11 - channel) + (x * y * (channel + 2)) % 97 + 80 * ((x + y) % 9 < 4)) % 256
        for channel in range(max(3, len(mode)))
    ]
    pixels = np.stack(channels, axis=2).astype(np.uint8)
    if mode == "P":
        image = Image.fromarray(pixels[:, :, 0] // 8, "L").convert("P")
        image.putpalette([(37 * number + 5 * (number % 7)) % 256 for number in range(3 * 32)])
        image.info["transparency"] = bytes((number * 8) % 256 for number in range(32))
        return image
    if mode == "1":
        return Image.fromarray(pixels[:, :, 0], "L").point(lambda value: 255 * (value > 99)).convert("1")
    if mode == "L":
        return Image.fromarray(pixels[:, :, 0])
    return Image.merge(mode, [Image.fromarray(pixels[:, :, channel]) for channel in range(len(mode))])


PLACES = {
    "RGB": "10/b.png", "RGBA": "9/a.PNG", "L": "C/c.png", "LA": "a/deep/er/z.png", "P": "10/a.png", "CMYK": "b/x.tif",
    "1": "a/y.bmp",
}  # fmt: skip


def write_tree(root: Path) -> None:
    """Class folders whose names sort as text, with files that do not count among them."""
    for mode, place in PLACES.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(mode, *SIZES[mode]).save(path)
    (root / "a" / "notes.txt").write_text("not an image")
    draw("RGB", 5, 5).save(root / "outside.png")
