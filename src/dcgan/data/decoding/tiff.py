"""TIFF beyond what Pillow reads exactly: many channels, many pages, 16-bit colour. Needs the science extra."""

import io
import logging
import types
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.decoding.large_images import wait_if_large
from dcgan.data.sources.items import Decoded, Unreadable

INSTALL = "needs tifffile: pip install 'dcgan[science]'"
_MAX_PAGES = 100_000
_MAX_PAGES_AS_CHANNELS = 16
for _logger in ("tifffile", "PIL.TiffImagePlugin"):  # their complaints about damaged files name none: ours do
    logging.getLogger(_logger).addHandler(logging.NullHandler())
_UNCOMPRESSED, _DEFLATE = 1, (8, 32946)
_BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL, _SAMPLE_FORMAT = 258, 277, 339
_KINDS = {1: "uint", 2: "int", 3: "float", 5: "complex", 6: "complex"}


@dataclass(frozen=True)
class Stack:
    """The pages of a TIFF."""

    pixels: np.ndarray
    """n h w c, uint8 or uint16."""
    mode: str
    """RGB, RGBA, with ";16" where it is so, or array."""
    unknown_pages: bool
    """The file does not say what its pages are."""


def is_plain(content: bytes) -> bool:
    """Whether Pillow reads this file without losing anything: one page, 8 bits, or one channel of 16."""
    try:
        with TiffImageFile(io.BytesIO(content)) as image:
            bits = max(image.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
            samples = image.tag_v2.get(_SAMPLES_PER_PIXEL, 1)
            deep = image.mode.startswith("I;16")
            return not image.is_animated and len(image.getbands()) == samples and (bits <= 8 or deep)
    except Exception:
        return False


def decode(content: bytes, max_pixels: int) -> Decoded:
    """One image of a folder. Pages of which the file says nothing are its channels; of named frames the first counts.

    Raises:
        Unreadable: No tifffile, or not a picture of 8 or 16 bits.
    """
    stack = read(io.BytesIO(content), len(content), max_pixels)
    count, _, _, channels = stack.pixels.shape
    if count == 1:
        return Decoded(stack.pixels[0], stack.mode)
    if stack.unknown_pages and channels == 1 and count <= _MAX_PAGES_AS_CHANNELS:
        return Decoded(np.ascontiguousarray(stack.pixels[..., 0].transpose(1, 2, 0)), "array", ("pages as channels",))
    return Decoded(stack.pixels[0], stack.mode, ("first of several frames",))


def read(file: BinaryIO, num_bytes: int, max_pixels: int | None = None) -> Stack:
    """All pages of the first series of a TIFF of ``num_bytes``.

    Raises:
        Unreadable: No tifffile, a size that the file cannot hold, or other than 8 or 16 bits.
        Exception: Whatever tifffile raises on damaged files.
    """
    _check_type(file)
    tifffile = _library()
    with tifffile.TiffFile(file) as document:
        if len(document.pages) > _MAX_PAGES:  # counting first also ends chains that bite their own tail
            raise Unreadable(f"{len(document.pages):,} pages, the limit is {_MAX_PAGES:,}")
        series = document.series[0]
        shape = f"{' x '.join(f'{size:,}' for size in series.shape)} pixels"
        if max_pixels is not None and series.size > max_pixels:
            raise Unreadable(f"declares {shape}, the limit is {max_pixels // 1_000_000} million")
        if is_bomb(series.nbytes, num_bytes):
            raise Unreadable(f"declares {shape}, more than its {num_bytes:,} bytes can hold")
        if series.dtype.newbyteorder("=") not in (np.uint8, np.uint16):
            raise Unreadable(f"{series.dtype} pixels; save it as uint8 or uint16")
        photometric = series.keyframe.photometric.name
        if photometric not in ("MINISBLACK", "MINISWHITE", "RGB"):
            raise Unreadable(f"{photometric.lower()} colours; save it as grey or RGB")
        wait_if_large(series.nbytes)
        _check_segments(file, series)
        pixels, channel_axes = _arrange(series.asarray(), series.axes)
        alpha = any(int(kind) in (1, 2) for kind in series.keyframe.extrasamples)
    if photometric == "MINISWHITE":
        pixels = np.iinfo(pixels.dtype).max - pixels
    mode = "array"
    if photometric == "RGB" and channel_axes == "S" and pixels.shape[3] == 3 + alpha:
        mode = ("RGBA" if alpha else "RGB") + (";16" if pixels.dtype == np.uint16 else "")
    return Stack(pixels, mode, set(series.axes) <= set("YXQI"))


def _check_type(file: BinaryIO) -> None:
    """Refuse numbers that are no pixels by the file's first header, before tifffile is asked for.

    Raises:
        Unreadable: Floats, signed numbers, or other than 8 or 16 bits.
    """
    try:
        header = file.read(8)
        tags = ImageFileDirectory_v2(header + (file.read(8) if header[2:4] in (b"+\0", b"\0+") else b""))
        file.seek(tags.next)
        tags.load(file)
        bits, kind = max(tags.get(_BITS_PER_SAMPLE, (1,))), max(tags.get(_SAMPLE_FORMAT, (1,)))
    except Exception:  # damaged: tifffile says how
        bits, kind = 8, 1
    file.seek(0)
    if bits > 16 or _KINDS.get(kind, "uint") != "uint":
        raise Unreadable(f"{_KINDS.get(kind, 'uint')}{bits} pixels; save it as uint8 or uint16")


def _check_segments(file: BinaryIO, series: Any) -> None:
    """Refuse strips and tiles that unpack to more than their share of the image: tifffile does not look.

    Raises:
        Unreadable: One does, or is compressed in a way whose size nobody can know beforehand.
    """
    for page in series.pages:
        if page is None or page.compression == _UNCOMPRESSED:
            continue
        if page.compression not in _DEFLATE:
            raise Unreadable(f"compressed as {page.compression.name.lower()}; save it uncompressed or with deflate")
        share = int(np.prod(page.chunks)) * page.dtype.itemsize
        for offset, num_bytes in zip(page.dataoffsets, page.databytecounts, strict=True):
            file.seek(offset)
            if len(zlib.decompressobj().decompress(file.read(num_bytes), share + 1)) > share:
                raise Unreadable("unpacks to more than it declares")


def _arrange(array: np.ndarray, axes: str) -> tuple[np.ndarray, str]:
    """Any order of axes → n h w c, native byte order; and which axes became the channels."""
    channels = "".join(axis for axis in axes if axis in "SC")
    pages = "".join(axis for axis in axes if axis not in "YXSC")
    array = array.transpose([axes.index(axis) for axis in pages + "YX" + channels])
    start = len(pages)
    height, width = array.shape[start : start + 2]
    array = array.reshape(int(np.prod(array.shape[:start])), height, width, -1)
    return array.astype(array.dtype.newbyteorder("=")), channels


def _library() -> types.ModuleType | Any:
    """The tifffile module."""
    try:
        import tifffile  # noqa: PLC0415  # optional
    except ImportError as error:
        raise Unreadable(INSTALL) from error
    return tifffile
