"""Image files made worse: of every format that is read, headers with right checksums, or any of the bytes."""

import io
import random
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image, PngImagePlugin

from benchmarks.torture.judge import judged
from benchmarks.torture.mutants import NUMBERS, mutate
from dcgan.data.shape import shape_image
from dcgan.data.sources.folders import Folder
from dcgan.data.sources.items import Unreadable
from dcgan.settings.knobs import DataConfig


def run(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge ``count`` image files in all."""
    return judged(case, count, seed, already)


def case(rng: random.Random, folder: Path) -> str:
    """One file in a folder of its own, decoded and brought to size."""
    suffix, content = rng.choice(good_images())
    if content.startswith(b"\x89PNG") and rng.random() < 0.6:
        content = worse_png(rng, content)
    elif content.startswith(b"BM") and rng.random() < 0.4:
        content = content[:18] + struct.pack("<II", rng.choice(NUMBERS), rng.choice(NUMBERS)) + content[26:]
    if rng.random() < 0.8:
        content = mutate(rng, content)
    suffix = suffix if rng.random() < 0.8 else rng.choice((".png", ".jpg", ".tif", ".gif", ".webp", ".bmp"))
    images = folder / "images"
    images.mkdir()
    (images / f"x{suffix}").write_bytes(content)
    (source,) = [Folder(images)]
    try:
        decoded = source.read(0)
        shaped = shape_image(decoded, DataConfig(height=16, width=16, fit=rng.choice(("crop", "pad", "stretch"))))
    except Unreadable as error:
        assert str(error).isprintable(), str(error)
        return "refused"
    assert decoded.pixels.dtype in (np.uint8, np.uint16)
    assert shaped.shape[:2] == (16, 16)
    return "accepted"


@cache
def good_images() -> list[tuple[str, bytes]]:
    """A small picture in every guise that is read."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 24, 4), dtype=np.uint8)
    picture = Image.fromarray(noise)
    found = []
    for mode in ("RGBA", "RGB", "L", "LA", "P", "1"):
        converted = picture.convert("RGB").convert(mode) if mode in ("P", "1") else picture.convert(mode)
        found.append((".png", saved(converted, "PNG")))
    found.append((".png", saved(Image.fromarray(noise[..., 0].astype(np.uint16) * 257), "PNG")))
    found.append((".png", saved(picture.quantize(16), "PNG", transparency=3)))
    frames = [picture.rotate(angle) for angle in (90, 180)]
    found.append((".png", saved(picture, "PNG", save_all=True, append_images=frames)))
    for mode in ("RGB", "L", "CMYK"):
        found.append((".jpg", saved(picture.convert(mode), "JPEG", exif=Image.Exif().tobytes())))
    found.append((".jpg", saved(picture.convert("RGB"), "JPEG", progressive=True, quality=60)))
    found += [
        (".gif", saved(picture.quantize(32), "GIF")),
        (".gif", saved(picture, "GIF", save_all=True, append_images=frames)),
    ]
    found += [(".webp", saved(picture, "WEBP", lossless=True)), (".webp", saved(picture.convert("RGB"), "WEBP"))]
    found.append((".webp", saved(picture, "WEBP", save_all=True, append_images=frames)))
    found += [(".bmp", saved(picture.convert(mode), "BMP")) for mode in ("RGB", "L", "P", "1")]
    found.append((".bmp", run_length_bmp(24, 20)))
    for compression in (None, "tiff_deflate", "tiff_lzw", "packbits"):
        found.append((".tif", saved(picture.convert("RGB"), "TIFF", compression=compression)))
    stacks: tuple[tuple[tuple[int, ...], Any], ...] = (
        ((20, 24, 5), np.uint8),
        ((3, 20, 24), np.uint16),
        ((20, 24, 3), np.uint16),
    )
    for shape, dtype in stacks:
        for compression in (None, "zlib"):
            buffer = io.BytesIO()
            tifffile.imwrite(
                buffer,
                np.zeros(shape, dtype) + 7,
                compression=compression,
                photometric="minisblack" if shape[-1] != 3 else "rgb",
            )
            found.append((".tif", buffer.getvalue()))
    return found


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def run_length_bmp(width: int, height: int, runs: bytes = b"") -> bytes:
    """A BMP of 8 bits in run lengths (BI_RLE8), which Pillow reads and does not write."""
    palette = bytes(4 * 256)
    content = runs or (bytes([width, 5, 0, 0]) * height + b"\0\1")
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(content), 2835, 2835, 256, 0)
    offset = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(content), 0, 0, offset) + head + palette + content


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], 8
    while place + 12 <= len(content):
        length = int.from_bytes(content[place : place + 4], "big")
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    return chunks


def worse_png(rng: random.Random, content: bytes) -> bytes:
    """Other numbers in its chunks, chunks that bring bombs, chunks twice or out of order; all checksums right."""
    chunks = png_chunks(content)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(chunks))
        kind, body = chunks[place]
        change = rng.randrange(6)
        if change == 0:
            sizes = struct.pack(">II", rng.choice(NUMBERS), rng.choice(NUMBERS))
            chunks[0] = (b"IHDR", sizes + chunks[0][1][8:])
        elif change == 1:
            chunks[0] = (
                b"IHDR",
                chunks[0][1][:8] + bytes(rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255)) for _ in range(5)),
            )
        elif change == 2:
            chunks[place] = (kind, mutate(rng, body, 1))
        elif change == 3:
            chunks.insert(place, rng.choice(chunks))
        elif change == 4:
            bomb = zlib.compress(bytes(rng.choice((2_000_000, 70_000_000))), 9)
            chunks.insert(
                1,
                rng.choice(
                    (
                        (b"iCCP", b"x\0\0" + bomb),
                        (b"zTXt", b"x\0\0" + bomb),
                        (b"iTXt", b"x\0\1\0\0\0" + bomb),
                        (b"IDAT", bomb),
                    )
                ),
            )
        else:
            rng.shuffle(chunks)
    return PngImagePlugin._MAGIC + b"".join(png_chunk(kind, body) for kind, body in chunks)
