"""The grids of the fixed latents over time, as an animated GIF."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dcgan.errors import ExitCode, UserError
from dcgan.files import write_atomically
from dcgan.foreign import open_regular
from dcgan.reporting.gallery import spread
from dcgan.runs.folder import RunFolder

MOST_FRAMES = 40
MOST_BYTES = 5_000_000
WIDEST, NARROWEST = 800, 320
FRAME_MILLISECONDS, LAST_MILLISECONDS = 250, 3000
MARGIN = 28


def write_film(run: RunFolder) -> Path:
    """Write ``film.gif``: at most 40 grids, evenly chosen, the last one held; at most 5 MB, by making it smaller.

    Raises:
        UserError: There is no grid yet, or the file cannot be written.
    """
    grids = []
    for images_seen, path in spread(run.previews(), MOST_FRAMES):
        if picture := _read(path):
            grids.append((images_seen, picture))
    if not grids:
        raise UserError(f"{run.samples}: no grid to make a film of. Train the run first.", ExitCode.DATA)
    scale = _first_scale(grids[-1][1].width)
    while True:
        content = _encode(grids, scale)
        if len(content) <= MOST_BYTES:
            break
        scale *= min(0.85, (MOST_BYTES / len(content)) ** 0.5)
    write_atomically(run.film, content)
    return run.film


def _read(path: Path) -> Image.Image | None:
    """A grid on white, or None when the file is not whole."""
    try:
        with open_regular(path) as file, Image.open(file, formats=["PNG"]) as picture:
            solid = Image.new("RGB", picture.size, "white")
            solid.paste(picture.convert("RGB"), mask=picture.getchannel("A") if "A" in picture.getbands() else None)
            return solid
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None


def _first_scale(width: int) -> float:
    """Small grids are enlarged by a whole number, so that their pixels stay even."""
    return float(-(-NARROWEST // width)) if width < NARROWEST else min(1.0, WIDEST / width)


def _encode(grids: list[tuple[int, Image.Image]], scale: float) -> bytes:
    size = (max(16, round(grids[-1][1].width * scale)), max(16, round(grids[-1][1].height * scale)))
    drawn = [_frame(picture, f"{images_seen:,} images", size) for images_seen, picture in grids]
    palette = _palette(drawn)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in drawn]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=[FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS],
        loop=0,
        disposal=1,
    )
    return buffer.getvalue()


def _frame(picture: Image.Image, caption: str, size: tuple[int, int]) -> Image.Image:
    """A grid with a line of text below it."""
    enlarged = size[0] > picture.width
    frame = Image.new("RGB", (size[0], size[1] + MARGIN), "white")
    frame.paste(picture.resize(size, Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS))
    brush = ImageDraw.Draw(frame)
    brush.text((6, size[1] + MARGIN / 2), caption, fill="#1d1f24", anchor="lm", font=ImageFont.load_default(15))
    return frame


def _palette(frames: list[Image.Image]) -> Image.Image:
    """The 256 colours that suit the whole film: of the last frame above all, and of one in the middle."""
    width, height = (max(1, side // 2) for side in frames[-1].size)
    sheet = Image.new("RGB", (width, 3 * height))
    for place, frame in enumerate((frames[-1], frames[len(frames) // 2], frames[-1])):
        sheet.paste(frame.resize((width, height)), (0, place * height))
    palette = sheet.quantize(254, method=Image.Quantize.MEDIANCUT)
    colours = np.array(palette.getpalette(), dtype=np.uint8).reshape(-1, 3)
    colours[(colours >= 248).all(axis=1)] = 255  # paper stays white and ink black, whatever the averages say
    colours[(colours < 8).all(axis=1)] = 0
    palette.putpalette([*colours.flatten().tolist(), *[255] * 3, *[0] * 3])
    return palette
