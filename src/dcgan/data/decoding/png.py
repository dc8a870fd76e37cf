"""PNG beyond what Pillow reads: 16 bits a colour are kept, and large texts and colour profiles are passed over."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from dcgan.data.decoding.strips import by_strips, cut, strips, with_key
from dcgan.data.sources.items import Unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SHEET = ("Software", "dcgan contact sheet")
"""The text that marks a picture of many images which this program drew: it is no image to learn from."""
DEEP = {  # what Pillow calls the bytes of a colour PNG with 16 bits a channel: its name here, and its two halves
    "RGB;16B": ("RGB;16", ("RGB;16B", "RGB;16L")),
    "RGBA;16B": ("RGBA;16", ("RGBA;16B", "RGBA;16L")),
    "LA;16B": ("LA;16", ("RGBA",)),  # high, low, high, low: the bytes of four channels of 8 bits
}
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_MARK = b"\0".join(part.encode() for part in SHEET)
_ROTATIONS = (b"Raw profile type exif", b"XML:com.adobe.xmp")  # texts that may say how the camera was held
_MOST_TEXT_BYTES = 1_000_000  # Pillow refuses the whole picture for more


def without_texts(content: bytes) -> bytes:
    """The file without its colour profile and its texts: the pixels are whole whatever these hold.

    Raises:
        Unreadable: The file is a contact sheet of this program.
    """
    kept, end, dropped = [content[: len(SIGNATURE)]], len(SIGNATURE), False
    for kind, start, stop in _chunks(content):
        body = content[start + 8 : stop - 4]
        if kind == b"tEXt" and body == _MARK:
            raise Unreadable("a contact sheet that dcgan drew")
        if _is_needed(kind, body):
            kept.append(content[start:stop])
        else:
            dropped = True
        end = stop
    return b"".join([*kept, content[end:]]) if dropped else content


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk before the pixels, as long as they are whole."""
    start = len(SIGNATURE)
    while start + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[start : start + 8])
        stop = start + 12 + length
        if kind == b"IDAT" or stop > len(content):
            return
        yield kind, start, stop
        start = stop


def _is_needed(kind: bytes, body: bytes) -> bool:
    """Whether a chunk says anything about the pixels or how the picture was held, in a bearable size."""
    if kind not in _TEXTS:
        return kind != b"iCCP"
    keyword, _, text = body.partition(b"\0")
    if keyword not in _ROTATIONS or len(body) > _MOST_TEXT_BYTES:
        return False
    if kind == b"zTXt":
        try:
            return len(zlib.decompressobj().decompress(text[1:], _MOST_TEXT_BYTES + 1)) <= _MOST_TEXT_BYTES
        except zlib.error:
            return False
    return kind == b"tEXt" or text[:1] == b"\0"


def read_deep(content: bytes, halves: tuple[str, ...], key: object) -> np.ndarray:
    """A colour PNG of 16 bits a channel, which Pillow would cut to 8: its high and its low bytes, read separately."""
    high, *lower = halves
    if not lower:
        return by_strips(_half(content, high), lambda strip: np.asarray(strip).view(">u2").astype(np.uint16))
    deep = by_strips(_half(content, high), lambda strip: np.asarray(strip).astype(np.uint16) << 8)
    for rows, strip in cut(_half(content, lower[0])):
        deep[rows] |= np.asarray(strip)
    if key is None:
        return deep
    height, width, channels = deep.shape
    with_alpha = np.empty((height, width, channels + 1), np.uint16)
    for rows in strips(width, height):
        with_alpha[rows] = with_key(deep[rows], key)
    return with_alpha


def shallow_if_shallow(deep: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Eight bits where nothing is lost: value k of 255 is value 257 k of 65535."""
    rows_of_strips = list(strips(deep.shape[1], deep.shape[0]))
    if not all((deep[rows] >> 8 == deep[rows] & 255).all() for rows in rows_of_strips):
        return deep, []
    shallow = np.empty(deep.shape, np.uint8)
    for rows in rows_of_strips:
        shallow[rows] = deep[rows] >> 8
    return shallow, ["8-bit colours in 16 bits"]


def _half(content: bytes, rawmode: str) -> Image.Image:
    """Eight of its sixteen bits."""
    image = PngImageFile(io.BytesIO(content))
    image.tile = [tile._replace(args=rawmode) for tile in image.tile]
    image.load()
    return image
