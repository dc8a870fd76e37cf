"""Finished images as makers need them: enlarged, with few colours, with hard edges, as one sheet, as an animation.

Images are n h w c, uint8, with 1, 3 or 4 channels.
"""

import io
import json
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from dcgan.data.pixels import as_picture, grid

HALF = 128  # alpha from which a pixel is opaque
PALETTE_SAMPLE = 64  # images that a palette is taken from


def enlarged(images: np.ndarray, factor: int) -> np.ndarray:
    """Each pixel becomes a square of so many: no new colours."""
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def hard_edged(images: np.ndarray) -> np.ndarray:
    """Each pixel of n h w 4 becomes opaque or transparent; a transparent one is black beneath."""
    opaque = images[..., 3:] >= HALF
    whole = np.concatenate([images[..., :3], np.full_like(images[..., 3:], 255)], axis=-1)
    return np.where(opaque, whole, 0).astype(np.uint8)


def palette_of(images: np.ndarray, count: int) -> np.ndarray:
    """At most so many colours that stand for those of the images, by median cut: m x 3.

    Transparent pixels are left out. Heckbert 1982, "Color image quantization for frame buffer display".
    """
    colours = _colours(images[:PALETTE_SAMPLE]).reshape(-1, 3)
    if images.shape[-1] == 4:
        visible = images[:PALETTE_SAMPLE, ..., 3].reshape(-1) > 0
        colours = colours[visible] if visible.any() else colours
    picture = Image.fromarray(colours[None]).quantize(count, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    used = np.unique(np.asarray(picture))
    palette: np.ndarray = np.array(picture.getpalette(), dtype=np.uint8).reshape(-1, 3)[used]
    return palette


def recoloured(images: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Each pixel takes the nearest colour of the palette (m x 3); transparency stays as it is. Grey becomes colour."""
    colours = _colours(images)
    wanted = palette.astype(np.int32)
    result = np.empty_like(colours)
    for index, picture in enumerate(colours):  # one by one, to bound memory
        distances = ((picture[..., None, :].astype(np.int32) - wanted) ** 2).sum(-1)
        result[index] = palette[distances.argmin(-1)]
    return np.concatenate([result, images[..., 3:]], -1) if images.shape[-1] == 4 else result


def atlas(images: np.ndarray, names: Sequence[str], image_name: str) -> tuple[np.ndarray, bytes]:
    """One sheet without gaps, and where each image lies on it, as JSON.

    The JSON is the hash form of TexturePacker (https://www.codeandweb.com/texturepacker), which Phaser, PixiJS, Godot
    and others read.
    """
    columns = math.ceil(math.sqrt(len(images)))
    sheet = grid(images, columns, gap=0)
    height, width = images.shape[1:3]
    frames = {}
    for index, name in enumerate(names):
        place = {"x": index % columns * width, "y": index // columns * height, "w": width, "h": height}
        frames[name] = {
            "frame": place,
            "rotated": False,
            "trimmed": False,
            "spriteSourceSize": {"x": 0, "y": 0, "w": width, "h": height},
            "sourceSize": {"w": width, "h": height},
        }
    size = {"w": sheet.shape[1], "h": sheet.shape[0]}
    meta = {"app": "dcgan", "version": "1.0", "image": image_name, "format": "RGBA8888", "size": size, "scale": "1"}
    return sheet, (json.dumps({"frames": frames, "meta": meta}, indent=1) + "\n").encode()


def webp(picture: np.ndarray) -> bytes:
    """One image as a WebP file that loses nothing, the colours beneath transparency included."""
    buffer = io.BytesIO()
    as_picture(picture).save(buffer, format="WEBP", lossless=True, quality=100, exact=True)
    return buffer.getvalue()


def animation(images: np.ndarray, kind: str, *, milliseconds: int = 250) -> bytes:
    """The images one after the other, again and again: ``gif`` (256 colours each, transparent or not) or ``apng``."""
    coloured = images if images.shape[-1] == 4 else _colours(images)  # Pillow cannot read grey APNG files again
    frames = [as_picture(picture) for picture in coloured]
    buffer = io.BytesIO()
    shown = {"save_all": True, "append_images": frames[1:], "duration": milliseconds, "loop": 0}
    if kind == "gif":
        frames[0].save(buffer, format="GIF", disposal=2, optimize=False, **shown)
    else:
        frames[0].save(buffer, format="PNG", disposal=1, blend=0, **shown)
    return buffer.getvalue()


def hex_palette(palette: np.ndarray) -> bytes:
    """One colour a line, ``rrggbb``: what pixel editors call a .hex file."""
    return "".join(f"{red:02x}{green:02x}{blue:02x}\n" for red, green, blue in palette.tolist()).encode()


def parse_palette(content: bytes) -> np.ndarray:
    """Colours of a .hex file, of a GIMP palette or of an image with at most 256 of them: m x 3.

    Raises:
        ValueError: None of these, or too many colours.
    """
    if content[:12] == b"GIMP Palette":
        lines = content.decode("utf-8", "replace").splitlines()[1:]
        rows = [line.split()[:3] for line in lines if line.strip()[:1].isdigit()]
        return _checked([[int(number) for number in row] for row in rows])
    try:
        words = content.decode("ascii").split()
        return _checked([list(bytes.fromhex(word.removeprefix("#"))) for word in words])
    except ValueError:
        pass
    with Image.open(io.BytesIO(content)) as picture:
        pixels = np.asarray(picture.convert("RGBA")).reshape(-1, 4)
    return _checked(np.unique(pixels[pixels[:, 3] > 0][:, :3], axis=0).tolist())


def _checked(colours: list[list[int]]) -> np.ndarray:
    if not 1 <= len(colours) <= 256 or any(len(one) != 3 or not all(0 <= n <= 255 for n in one) for one in colours):
        raise ValueError(f"{len(colours):,} colours; 1 to 256 of red, green and blue were expected")
    return np.array(colours, dtype=np.uint8)


def _colours(images: np.ndarray) -> np.ndarray:
    """N h w 3: grey three times, transparency left out."""
    return images.repeat(3, axis=-1) if images.shape[-1] == 1 else images[..., :3]
