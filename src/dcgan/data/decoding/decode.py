"""One image file → its exact pixels, or the reason why not.

The format is recognised by its first bytes, whatever the file is called, and must be one of a short list: every
other decoder that Pillow has is a door that nobody needs open.
"""

import io
import threading
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dcgan.data.decoding import tiff
from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.decoding.large_images import turn, wait_if_large
from dcgan.data.sources.items import Decoded, Unreadable

__all__ = ["EXTENSIONS", "MAX_FILE_BYTES", "MAX_PIXELS", "Decoded", "Unreadable", "decode"]

EXTENSIONS = frozenset({".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff"})
MAX_FILE_BYTES = 300_000_000
MAX_BYTES = 512_000_000  # that an image may take while it is decoded, besides its file
MAX_PIXELS = MAX_BYTES // 8  # four bytes for Pillow's own image, and up to four for ours
MAX_RUN_LENGTH_PIXELS = 10_000_000  # Pillow unpacks run lengths of a BMP pixel by pixel in Python: two seconds
STRIP_PIXELS = 250_000  # brought from Pillow's image to ours at a time

_DEEP_PNG = {  # what Pillow calls the bytes of a colour PNG with 16 bits a channel: its name here, and its two halves
    "RGB;16B": ("RGB;16", ("RGB;16B", "RGB;16L")),
    "RGBA;16B": ("RGBA;16", ("RGBA;16B", "RGBA;16L")),
    "LA;16B": ("LA;16", ("RGBA",)),  # high, low, high, low: the bytes of four channels of 8 bits
}
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
    kind = _recognise(content)
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
    return num_pixels


def _bytes_a_pixel(image: ImageFile.ImageFile) -> int:
    """What a pixel takes at most while it is decoded, as tests/crash/test_hostile_memory.py measures it."""
    if isinstance(image, WebPImageFile):
        return 18  # two canvases, a copy of one, Pillow's image and ours
    if isinstance(image, JpegImageFile) and "progressive" in image.info:
        return 12  # the coefficients of all passes come first
    if image.tile and str(image.tile[0].args) in _DEEP_PNG:
        return 14
    return MAX_BYTES // MAX_PIXELS


def _recognise(content: bytes) -> type[ImageFile.ImageFile]:
    """The reader of the format that begins with these bytes."""
    beginnings: tuple[tuple[bytes, type[ImageFile.ImageFile]], ...] = (
        (b"\x89PNG\r\n\x1a\n", PngImageFile),
        (b"\xff\xd8\xff", JpegImageFile),
        (b"GIF8", GifImageFile),
        (b"BM", BmpImageFile),
        (b"II*\0", TiffImageFile),
        (b"MM\0*", TiffImageFile),
        (b"II+\0", TiffImageFile),
        (b"MM\0+", TiffImageFile),
    )
    for beginning, kind in beginnings:
        if content.startswith(beginning):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WebPImageFile
    raise Unreadable("not an image (PNG, JPEG, GIF, WebP, BMP or TIFF)")


def _pixels(image: ImageFile.ImageFile, content: bytes) -> tuple[np.ndarray, str, list[str]]:
    """The pixels h w c of an opened image, how the file stores them, and what had to be changed."""
    key = image.info.get("transparency")
    depth = content[24] if isinstance(image, PngImageFile) else 8
    rawmode = str(image.tile[0].args) if depth == 16 and image.tile else ""
    if rawmode in _DEEP_PNG:
        mode, halves = _DEEP_PNG[rawmode]
        return _shallow_if_shallow(_deep_png(content, halves, key), mode)
    image.load()
    mode = image.mode
    if mode in ("I", "F"):
        raise Unreadable("32-bit pixels; save it with 8 or 16 bits")
    if mode in ("P", "PA"):
        clear = mode == "PA" or key is not None or (image.palette is not None and image.palette.mode == "RGBA")
        return _grey_if_grey(_by_strips(image, lambda strip: _as(strip, "RGBA" if clear else "RGB"))), mode, []
    if mode in ("1", "L"):
        step = 255 // (2**depth - 1) if depth < 8 else 1  # Pillow spreads 1, 2 and 4 bits over 0 … 255, but not the key
        spread = key * step if isinstance(key, int) else None
        return _by_strips(image, lambda strip: _with_key(_as(strip, "L"), spread)), mode, []
    if mode.startswith("I;16"):
        return _by_strips(image, lambda strip: _with_key(np.asarray(strip).astype(np.uint16), key)), "I;16", []
    if mode in ("LA", "RGB", "RGBA", "La", "RGBa"):
        return _by_strips(image, lambda strip: _with_key(_as(strip, mode.upper()), key)), mode.upper(), []
    return _by_strips(image, lambda strip: _as(strip, "RGB")), mode, [f"{mode} converted to RGB"]


def _by_strips(image: Image.Image, part_of: Callable[[Image.Image], np.ndarray]) -> np.ndarray:
    """The parts h w c of all strips, one below the other: what lies between Pillow's image and ours stays small."""
    whole = np.empty(0)
    for rows, strip in _cut(image):
        part = part_of(strip)
        if rows.start == 0:
            whole = np.empty((image.height, *part.shape[1:]), part.dtype)
        whole[rows] = part
    return whole


def _cut(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """The rows of each strip, and the strip."""
    return ((rows, image.crop((0, rows.start, image.width, rows.stop))) for rows in _strips(*image.size))


def _strips(width: int, height: int) -> Iterator[slice]:
    count = max(1, STRIP_PIXELS // width)
    return (slice(top, min(top + count, height)) for top in range(0, height, count))


def _as(strip: Image.Image, mode: str) -> np.ndarray:
    return np.asarray(strip.convert(mode))


def _deep_png(content: bytes, halves: tuple[str, ...], key: object) -> np.ndarray:
    """A colour PNG of 16 bits a channel, which Pillow would cut to 8: its high and its low bytes, read separately."""
    high, *lower = halves
    if not lower:
        return _by_strips(_half(content, high), lambda strip: np.asarray(strip).view(">u2").astype(np.uint16))
    deep = _by_strips(_half(content, high), lambda strip: np.asarray(strip).astype(np.uint16) << 8)
    for rows, strip in _cut(_half(content, lower[0])):
        deep[rows] |= np.asarray(strip)
    if key is None:
        return deep
    height, width, channels = deep.shape
    with_alpha = np.empty((height, width, channels + 1), np.uint16)
    for rows in _strips(width, height):
        with_alpha[rows] = _with_key(deep[rows], key)
    return with_alpha


def _half(content: bytes, rawmode: str) -> Image.Image:
    """Eight of its sixteen bits."""
    image = PngImageFile(io.BytesIO(content))
    image.tile = [tile._replace(args=rawmode) for tile in image.tile]
    image.load()
    return image


def _shallow_if_shallow(deep: np.ndarray, mode: str) -> tuple[np.ndarray, str, list[str]]:
    """Eight bits where nothing is lost: value k of 255 is value 257 k of 65535."""
    strips = list(_strips(deep.shape[1], deep.shape[0]))
    if not all((deep[rows] >> 8 == deep[rows] & 255).all() for rows in strips):
        return deep, mode, []
    shallow = np.empty(deep.shape, np.uint8)
    for rows in strips:
        shallow[rows] = deep[rows] >> 8
    return shallow, mode, ["8-bit colours in 16 bits"]


def _with_key(pixels: np.ndarray, key: object) -> np.ndarray:
    """Add an alpha channel that is zero wherever the pixel has the colour that the file declares transparent."""
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    if key is None or isinstance(key, bytes) or pixels.shape[2] in (2, 4):
        return pixels
    maximum = np.iinfo(pixels.dtype).max
    opaque = (pixels != np.atleast_1d(np.asarray(key, dtype=np.int64))).any(axis=2, keepdims=True)
    return np.concatenate([pixels, (opaque * maximum).astype(pixels.dtype)], axis=2)


def _grey_if_grey(pixels: np.ndarray) -> np.ndarray:
    """RGB(A) whose three colours are the same everywhere → one grey channel, and alpha if there is one."""
    strips = _strips(pixels.shape[1], pixels.shape[0])
    grey = all((pixels[rows, :, 1:3] == pixels[rows, :, :1]).all() for rows in strips)
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
