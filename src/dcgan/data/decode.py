"""One image file → its exact pixels, or the reason why not.

The format is recognised by its first bytes, whatever the file is called, and must be one of a short list: every
other decoder that Pillow has is a door that nobody needs open.
"""

import io
import threading
import warnings
from contextlib import nullcontext

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dcgan.data import tiff
from dcgan.data.expansion import is_bomb
from dcgan.data.items import Decoded, Unreadable

__all__ = ["EXTENSIONS", "MAX_FILE_BYTES", "MAX_PIXELS", "Decoded", "Unreadable", "decode"]

EXTENSIONS = frozenset({".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff"})
MAX_FILE_BYTES = 500_000_000
MAX_PIXELS = 100_000_000
MAX_RUN_LENGTH_PIXELS = 10_000_000  # Pillow unpacks run lengths of a BMP pixel by pixel in Python: two seconds
LARGE_PIXELS = 10_000_000  # images beyond are decoded one at a time: each takes up to a gigabyte meanwhile

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
        with _quiet:
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
    with kind(io.BytesIO(content)) as image:
        num_pixels = _check_size(image, len(content))
        animated = getattr(image, "is_animated", False)
        with _alone if num_pixels > LARGE_PIXELS else nullcontext():
            pixels, mode, notes = _pixels(image, content)
        turn = _orientation(image)
    if animated:
        notes.append("first of several frames")
    if turn in _TURNS:
        pixels = _TURNS[turn](pixels)
        notes.append("rotated as EXIF says")
    if pixels.shape[2] in (2, 4) and (pixels[:, :, -1] == np.iinfo(pixels.dtype).max).all():
        pixels = pixels[:, :, :-1]
    return Decoded(np.ascontiguousarray(pixels), mode, tuple(notes))


def _check_size(image: ImageFile.ImageFile, num_bytes: int) -> int:
    """Refuse by its header what would take too much memory or time; the number of pixels."""
    num_pixels, size = image.width * image.height, f"{image.width:,} x {image.height:,}"
    if num_pixels > MAX_PIXELS:
        raise Unreadable(f"declares {size} pixels, the limit is {MAX_PIXELS // 1_000_000} million")
    if is_bomb(num_pixels * len(image.getbands()), num_bytes):
        raise Unreadable(f"declares {size} pixels, more than its {num_bytes:,} bytes can honestly hold")
    if num_pixels > MAX_RUN_LENGTH_PIXELS and image.tile and image.tile[0].codec_name == "bmp_rle":
        raise Unreadable(f"a run-length BMP of over {MAX_RUN_LENGTH_PIXELS // 1_000_000} million pixels")
    return num_pixels


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
        deep = _with_key(_deep_png(content, halves), key)
        shallow = (deep >> 8).astype(np.uint8)  # value k of 255 is value 257 k of 65535: nothing is lost
        return (shallow, mode, ["8-bit colours in 16 bits"]) if (shallow == deep & 255).all() else (deep, mode, [])
    image.load()
    mode = image.mode
    if mode in ("I", "F"):
        raise Unreadable("32-bit pixels; save it with 8 or 16 bits")
    if mode in ("P", "PA"):
        clear = mode == "PA" or key is not None or (image.palette is not None and image.palette.mode == "RGBA")
        return _grey_if_grey(np.asarray(image.convert("RGBA" if clear else "RGB"))), mode, []
    if mode in ("1", "L"):
        step = 255 // (2**depth - 1) if depth < 8 else 1  # Pillow spreads 1, 2 and 4 bits over 0 … 255, but not the key
        return _with_key(np.asarray(image.convert("L")), key * step if isinstance(key, int) else None), mode, []
    if mode.startswith("I;16"):
        return _with_key(np.asarray(image).astype(np.uint16), key), "I;16", []
    if mode in ("LA", "RGB", "RGBA", "La", "RGBa"):
        return _with_key(np.asarray(image.convert(mode.upper())), key), mode.upper(), []
    return np.asarray(image.convert("RGB")), mode, [f"{mode} converted to RGB"]


def _deep_png(content: bytes, halves: tuple[str, ...]) -> np.ndarray:
    """A colour PNG of 16 bits a channel, which Pillow would cut to 8: its high and its low bytes, read separately."""
    planes = []
    for rawmode in halves:
        with PngImageFile(io.BytesIO(content)) as image:
            image.tile = [tile._replace(args=rawmode) for tile in image.tile]
            image.load()
            planes.append(np.asarray(image))
    if len(planes) == 1:
        return planes[0].view(">u2").astype(np.uint16)
    high, low = (plane.astype(np.uint16) for plane in planes)
    return high << 8 | low


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
    red = pixels[:, :, :1]
    return pixels[:, :, [0, *range(3, pixels.shape[2])]] if (pixels[:, :, 1:3] == red).all() else pixels


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
_alone = threading.Lock()  # one for the process, as its memory is
