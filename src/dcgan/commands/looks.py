"""How drawn images are finished before they are written: size, colours, edges, and the kind of file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from dcgan.errors import UserError

Format = Literal["png", "webp", "gif", "apng"]
MOST_FRAMES = 4_096
MAX_PALETTE_BYTES = 50_000_000


def _arg(metavar: str) -> object:
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="")


@dataclass(frozen=True, kw_only=True)
class LookOptions:
    """How the images are finished."""

    scale: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Enlarge: each pixel becomes a square of N x N."""
    format: Annotated[Format, tyro.conf.arg(metavar="{png,webp,gif,apng}")] = "png"
    """png and webp: a file for each image, nothing lost. gif and apng: one animation of all."""
    palette: Annotated[str | None, _arg("N|data:N|FILE")] = None
    """Few colours: N (2 to 256) taken from these images, data:N from the training images, or those of a .hex file, a
    GIMP palette or an image."""
    alpha: Annotated[Literal["soft", "hard"], tyro.conf.arg(metavar="{soft,hard}")] = "soft"
    """hard: a pixel is opaque or transparent, nothing between (runs with --channels rgba)."""
    atlas: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")] = False
    """Also write atlas.png, all images without gaps, and atlas.json, which game engines read."""
    tile: Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")] = False
    """Let images continue at their opposite border, for textures; says how well they do."""

    @property
    def needs_eight_bits(self) -> bool:
        """Whether only images of 8 bits and 1, 3 or 4 channels can be finished so."""
        return self.format != "png" or self.palette is not None or self.atlas

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UserError: Says what was expected.
        """
        if not 1 <= self.scale <= 64:
            raise UserError(f"--scale {self.scale}: must be 1 … 64.")
        count = (self.palette or "").removeprefix("data:")
        if count.isdecimal() and not 2 <= int(count[:9]) <= 256:
            raise UserError(f"--palette {self.palette}: must be 2 … 256 colours.")


class Look:
    """The options with what they need of the generator and of files: ``finish`` does it to any images."""

    def __init__(self, options: LookOptions, example: np.ndarray, data: np.ndarray | None) -> None:
        """``example``: some images as they are drawn, n h w c. ``data``: some training images, or None.

        Raises:
            UserError: The images cannot be finished so, or the palette cannot be read.
        """
        options.check()
        channels, bits = example.shape[-1], 8 * example.dtype.itemsize
        if options.needs_eight_bits and (bits != 8 or channels not in (1, 3, 4)):
            raise UserError(
                f"--format, --palette and --atlas: need images of 8 bits and 1, 3 or 4 channels. This run draws "
                f"{bits} bits and {channels} channels; without these options nothing of them is lost."
            )
        if options.alpha == "hard" and channels != 4:
            raise UserError(f"--alpha hard: this run draws {channels} channels, without transparency.")
        self.options = options
        self.palette = None if options.palette is None else _palette(options.palette, example, data)

    def finish(self, images: np.ndarray) -> np.ndarray:
        """N h w c as they are drawn → as they are written."""
        from dcgan.export.pictures import enlarged, hard_edged, recoloured

        if self.options.alpha == "hard":
            images = hard_edged(images)
        if self.palette is not None:
            images = recoloured(images, self.palette)
        return enlarged(images, self.options.scale)

    def single(self, picture: np.ndarray) -> dict[str, bytes]:
        """One finished image → the content of its files, by suffix; one of them loses nothing of it."""
        from dcgan.export.pictures import webp

        return {".webp": webp(picture)} if self.options.format == "webp" else encoded(picture)

    def together(self, images: np.ndarray, names: Sequence[str]) -> dict[str, bytes]:
        """The files that hold all finished images at once, by name."""
        from dcgan.data.pixels import png
        from dcgan.export.pictures import animation, atlas, hex_palette

        made = {}
        if self.options.format in ("gif", "apng"):
            made[f"samples.{'gif' if self.options.format == 'gif' else 'png'}"] = animation(images, self.options.format)
        if self.options.atlas:
            sheet, made["atlas.json"] = atlas(images, names, "atlas.png")
            made["atlas.png"] = png(sheet)
        if self.palette is not None:
            made["palette.hex"] = hex_palette(self.palette)
        return made


def encoded(picture: np.ndarray) -> dict[str, bytes]:
    """One image h w c → the content of its files, by suffix: a PNG, and a .npy where a PNG cannot hold all of it."""
    from dcgan.data.pixels import png, viewable

    channels = picture.shape[-1]
    if channels == 1 or (picture.dtype == np.uint8 and channels in (3, 4)):
        return {".png": png(picture)}
    buffer = io.BytesIO()
    np.save(buffer, picture)
    return {".png": png(viewable(picture[None])[0]), ".npy": buffer.getvalue()}


def training_images(run: Path, height: int, width: int) -> np.ndarray | None:
    """The training images that the run keeps a grid of, n h w c; None where there is none."""
    from PIL import Image

    from dcgan.foreign import is_regular, read_bytes
    from dcgan.runs.folder import RunFolder

    path = RunFolder(run).reals
    if not is_regular(path):
        return None
    with Image.open(io.BytesIO(read_bytes(path, MAX_PALETTE_BYTES))) as picture:
        sheet = np.asarray(picture.convert("RGBA"))
    rows, columns = ((side + 2) // (each + 2) for side, each in zip(sheet.shape, (height, width), strict=False))
    places = [(row * (height + 2), column * (width + 2)) for row in range(rows) for column in range(columns)]
    return np.stack([sheet[top : top + height, left : left + width] for top, left in places])


def _palette(text: str, example: np.ndarray, data: np.ndarray | None) -> np.ndarray:
    """The colours that ``--palette`` asks for, m x 3."""
    from dcgan.export.pictures import palette_of, parse_palette
    from dcgan.files import user_path
    from dcgan.foreign import read_bytes

    if text.isdecimal():
        return palette_of(example, int(text))
    if text.startswith("data:") and text[5:].isdecimal():
        if data is None:
            raise UserError(
                f"--palette {text}: there is no samples/reals.png in the run. Give an image or a .hex file."
            )
        return palette_of(data, int(text[5:]))
    try:
        return parse_palette(read_bytes(user_path(text), MAX_PALETTE_BYTES))
    except (OSError, ValueError) as error:
        expected = "a number, data:N, a .hex file, a GIMP palette or an image of at most 256 colours"
        reason = (error.strerror or error) if isinstance(error, OSError) else error
        raise UserError(f"--palette {text}: {reason}. Expected: {expected}.") from error
