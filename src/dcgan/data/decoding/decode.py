"""One image file → its exact pixels, or the reason why not.

The format is recognised by its first bytes, whatever the file is called, and must be one of a short list.
"""

import io
import threading
import warnings

import numpy as np
from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dcgan.data.decoding import png, ppm, tiff
from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.decoding.formats import reader_of
from dcgan.data.decoding.large_images import turn, wait_if_large
from dcgan.data.decoding.strips import by_strips, strips, with_key
from dcgan.data.sources.items import Decoded, Unreadable

__all__ = ["MAX_FILE_BYTES", "MAX_PIXELS", "Decoded", "Unreadable", "decode"]

MAX_FILE_BYTES = 300_000_000
MAX_BYTES = 512_000_000  # that an image may take while it is decoded, besides its file
MAX_PIXELS = MAX_BYTES // 8  # four bytes for Pillow's own image, and up to four for ours
MAX_RUN_LENGTH_PIXELS = 10_000_000  # Pillow unpacks run lengths of a BMP pixel by pixel in Python: two seconds

_MODES = {(1, 1): "L", (1, 2): "I;16", (3, 1): "RGB", (3, 2): "RGB;16"}  # by channels and bytes of each
_TURNS = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels.swapaxes(0, 1)[::-1, ::-1],
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}


def decode(content: bytes) -> Decoded:
    """Decode the bytes of one image file.

    Raises:
        Unreadable: Always this, whatever is wrong with the bytes.
    """
    if not content:
        raise Unreadable("empty file")
    try:
        with _quiet, turn():
            return _decode(content)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(_reason(error)) from error


def _decode(content: bytes) -> Decoded:
    """Recognise the format, check the size that its header declares, then decode."""
    kind = reader_of(content)
    if kind is PngImageFile:
        content = png.without_texts(content)
    if kind is TiffImageFile and not tiff.is_plain(content):
        return tiff.decode(content, MAX_PIXELS)
    pixels, mode, notes, orientation = _opened(kind, content)
    if orientation in _TURNS:
        pixels = _TURNS[orientation](pixels)
        notes.append("rotated as EXIF says")
    if pixels.shape[2] in (2, 4) and (pixels[:, :, -1] == np.iinfo(pixels.dtype).max).all():
        pixels = pixels[:, :, :-1]
    return Decoded(np.ascontiguousarray(pixels), mode, tuple(notes))


def _opened(kind: type[ImageFile.ImageFile], content: bytes) -> tuple[np.ndarray, str, list[str], int]:
    """The pixels, the mode, notes, and how the camera was held; Pillow's own image is gone when this returns."""
    with kind(io.BytesIO(content)) as image:
        wait_if_large(4 * _check_size(image, content))
        animated = getattr(image, "is_animated", False)
        pixels, mode, notes = _pixels(image, content)
        if animated:
            notes.append("first of several frames")
        return pixels, mode, notes, _orientation(image)


def _check_size(image: ImageFile.ImageFile, content: bytes) -> int:
    """Refuse by its header what would take too much memory or time; the number of pixels."""
    num_pixels, size = image.width * image.height, f"{image.width:,} x {image.height:,}"
    if num_pixels > (limit := MAX_BYTES // _bytes_a_pixel(image)):
        raise Unreadable(f"declares {size} pixels, the limit for its kind is {limit // 1_000_000} million")
    if is_bomb(num_pixels * len(image.getbands()), len(content)):
        raise Unreadable(f"declares {size} pixels, more than its {len(content):,} bytes can honestly hold")
    if num_pixels > MAX_RUN_LENGTH_PIXELS and image.tile and image.tile[0].codec_name == "bmp_rle":
        raise Unreadable(f"a run-length BMP of over {MAX_RUN_LENGTH_PIXELS // 1_000_000} million pixels")
    if isinstance(image, PpmImageFile):
        ppm.check(image)
    return num_pixels


def _bytes_a_pixel(image: ImageFile.ImageFile) -> int:
    """What a pixel takes at most while it is decoded, as tests/crash/test_hostile_memory.py measures it."""
    if isinstance(image, WebPImageFile):
        return 18  # two canvases, a copy of one, Pillow's image and ours
    if isinstance(image, AvifImageFile):
        return 24  # 10 bits a colour and alpha, decoded, converted, copied, as Pillow has it, and ours
    if isinstance(image, JpegImageFile) and "progressive" in image.info:
        return 12  # the coefficients of all passes come first
    if image.tile and str(image.tile[0].args) in png.DEEP:
        return 14
    return MAX_BYTES // MAX_PIXELS


def _pixels(image: ImageFile.ImageFile, content: bytes) -> tuple[np.ndarray, str, list[str]]:
    """The pixels h w c of an opened image, how the file stores them, and what had to be changed."""
    key = image.info.get("transparency")
    depth = content[24] if isinstance(image, PngImageFile) else 8
    rawmode = str(image.tile[0].args) if depth == 16 and image.tile else ""
    if isinstance(image, PpmImageFile) and ppm.is_unusual(image):
        pixels = ppm.read(image, content)
        return pixels, _MODES[pixels.shape[2], pixels.itemsize], []
    if rawmode in png.DEEP:
        mode, halves = png.DEEP[rawmode]
        deep, notes = png.shallow_if_shallow(png.read_deep(content, halves, key))
        return deep, mode, notes
    image.load()
    return _loaded_pixels(image, depth, key)


def _loaded_pixels(
    image: ImageFile.ImageFile, depth: int, key: int | bytes | tuple[int, ...] | None
) -> tuple[np.ndarray, str, list[str]]:
    """The same for what Pillow reads exactly; ``key`` is what the file declares transparent."""
    mode = image.mode
    if mode in ("I", "F"):
        raise Unreadable("32-bit pixels; save it with 8 or 16 bits")
    if mode in ("P", "PA"):
        clear = mode == "PA" or key is not None or (image.palette is not None and image.palette.mode == "RGBA")
        return _grey_if_grey(by_strips(image, lambda strip: _as(strip, "RGBA" if clear else "RGB"))), mode, []
    if mode in ("1", "L"):
        step = 255 // (2**depth - 1) if depth < 8 else 1  # Pillow spreads 1, 2 and 4 bits over 0 … 255, but not the key
        spread = key * step if isinstance(key, int) else None
        return by_strips(image, lambda strip: with_key(_as(strip, "L"), spread)), mode, []
    if mode.startswith("I;16"):
        return by_strips(image, lambda strip: with_key(np.asarray(strip).astype(np.uint16), key)), "I;16", []
    if mode in ("LA", "RGB", "RGBA", "La", "RGBa"):
        return by_strips(image, lambda strip: with_key(_as(strip, mode.upper()), key)), mode.upper(), []
    return by_strips(image, lambda strip: _as(strip, "RGB")), mode, [f"{mode} converted to RGB"]


def _as(strip: Image.Image, mode: str) -> np.ndarray:
    return np.asarray(strip.convert(mode))


def _grey_if_grey(pixels: np.ndarray) -> np.ndarray:
    """RGB(A) whose three colours are the same everywhere → one grey channel, and alpha if there is one."""
    each = strips(pixels.shape[1], pixels.shape[0])
    grey = all((pixels[rows, :, 1:3] == pixels[rows, :, :1]).all() for rows in each)
    return pixels[:, :, ::3] if grey else pixels


def _orientation(image: Image.Image) -> int:
    """How EXIF says that the camera was held; broken EXIF says nothing, the picture is still good."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1


def _reason(error: Exception) -> str:
    """What a decoder's exception means to somebody who only has the file."""
    text = "".join(letter for letter in str(error).split("\n")[0] if letter.isprintable())[:100]
    if isinstance(error, EOFError) or "truncated" in text.lower():
        return "cut off before its end"
    if isinstance(error, Image.DecompressionBombError):
        return f"declares more pixels than the limit of {MAX_PIXELS // 1_000_000} million"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    return f"damaged ({text or type(error).__name__})"


class _Quiet:
    """Silences Pillow's warnings, which name no file, while any thread decodes.

    ``warnings.catch_warnings`` alone does not do with threads: the last one out would restore the wrong filters.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._rule: object = None

    def __enter__(self) -> None:
        with self._lock:
            if self._users == 0:
                warnings.filterwarnings("ignore", module=r"PIL\.")
                self._rule = warnings.filters[0]
            self._users += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                warnings.filters[:] = [rule for rule in warnings.filters if rule is not self._rule]  # type: ignore[index]


_quiet = _Quiet()  # one for the process, as the filters are
