"""For test_hostile_memory.py: megabytes at which a process that decodes and shapes an image of each kind peaks.

python -m benchmarks.torture.image_memory       one JSON line: kind → megabytes for ``PIXELS``
"""

import gc
import io
import json
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from benchmarks.torture.fuzz_images import png_chunk
from benchmarks.torture.judge import peak, reset_peak
from dcgan.data.decoding.decode import decode
from dcgan.data.shape import shape_image
from dcgan.settings.knobs import DataConfig

HEIGHT, WIDTH = 1_500, 2_000
PIXELS = HEIGHT * WIDTH
BLOCKS = np.random.default_rng(0).integers(0, 255, (HEIGHT // 50, WIDTH // 50, 4), dtype=np.uint8)
PICTURE = BLOCKS.repeat(50, axis=0).repeat(50, axis=1)


def saved(mode: str, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(PICTURE)
    if options.pop("animated", False):
        options |= {"save_all": True, "append_images": [image.convert(mode).rotate(180)]}
    image.convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved("RGB", "JPEG", exif=exif)


def deep(channels: int, key: tuple[int, ...] = ()) -> bytes:
    """A PNG of 16 bits a channel, which Pillow does not write."""
    values = PICTURE[:, :, :channels].astype(">u2") * 256 + 1
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in values), 1)
    chunks = [(b"IHDR", head), (b"tRNS", struct.pack(f">{len(key)}H", *key)), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks if kind != b"tRNS" or key)


KINDS: dict[str, Callable[[], bytes]] = {
    "grey PNG": lambda: saved("L", "PNG"),
    "grey PNG with alpha": lambda: saved("LA", "PNG"),
    "PNG": lambda: saved("RGBA", "PNG"),
    "PNG with a transparent colour": lambda: saved("RGB", "PNG", transparency=(1, 2, 3)),
    "PNG of a palette": lambda: saved("P", "PNG"),
    "animated PNG": lambda: saved("RGBA", "PNG", animated=True),
    "deep PNG": lambda: deep(4),
    "deep PNG with a transparent colour": lambda: deep(3, (1, 2, 3)),
    "JPEG": lambda: saved("RGB", "JPEG"),
    "JPEG that is turned": turned,
    "CMYK JPEG": lambda: saved("CMYK", "JPEG"),
    "progressive JPEG": lambda: saved("CMYK", "JPEG", progressive=True, subsampling=0),
    "animated GIF": lambda: saved("P", "GIF", animated=True),
    "BMP": lambda: saved("RGB", "BMP"),
    "TIFF": lambda: saved("RGBA", "TIFF", compression="tiff_lzw"),
    "WebP": lambda: saved("RGBA", "WEBP", lossless=True, method=0),
}
CONFIGS = [DataConfig(height=64, width=64, channels=channels) for channels in ("auto", "rgba", "grey")]


def main() -> None:
    """Each kind after the other; the first one only loads what they need."""
    told = {}
    for kind, make in ({"nothing": KINDS["PNG"]} | KINDS).items():
        content = make()
        gc.collect()
        before = reset_peak()
        decoded = decode(content)
        for config in CONFIGS:
            shape_image(decoded, config)
        told[kind] = peak() - before
        del decoded, content
    print(json.dumps(told))


if __name__ == "__main__":
    main()
