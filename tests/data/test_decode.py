"""decode: exact pixels for what is an image, a plain reason for what is not."""

import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dcgan.data.decoding.decode import Decoded, Unreadable, decode


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(array: np.ndarray, depth: int = 16, key: tuple[int, ...] | None = None, size: tuple | None = None) -> bytes:
    """A PNG written by hand, h w c, no filter: 16 bits a channel, or fewer than 8 packed into bytes by the caller."""
    height, width = size or array.shape[:2]
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[array.shape[2] if array.ndim == 3 else 1]
    big = array.astype(">u2") if depth == 16 else array
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    transparent = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + transparent
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def palette_image(colours: np.ndarray) -> Image.Image:
    image = Image.fromarray(noise(9, 7) % len(colours), "L")
    image.putpalette(colours.astype(np.uint8).tobytes())
    return image


def as_rgb(decoded: Decoded) -> np.ndarray:
    """Alpha dropped, grey spread: what ``convert("RGB")`` means."""
    colour = decoded.pixels[:, :, : 3 if decoded.pixels.shape[2] >= 3 else 1]
    return np.broadcast_to(colour, (*colour.shape[:2], 3))


COLOURS = noise(16, 3)
CONVERTIBLE = {
    "palette": saved(palette_image(COLOURS), "PNG"),
    "palette with one transparent entry": saved(palette_image(COLOURS), "PNG", transparency=3),
    "palette with alpha for each entry": saved(palette_image(COLOURS), "PNG", transparency=bytes(range(0, 256, 16))),
    "grey palette": saved(palette_image(np.repeat(noise(16, 1), 3, axis=1)), "PNG"),
    "grey palette with transparency": saved(
        palette_image(np.repeat(noise(16, 1), 3, axis=1)), "PNG", transparency=b"\0\x80"
    ),
    "grey": saved(Image.fromarray(noise(9, 7)), "PNG"),
    "grey and alpha": saved(Image.fromarray(noise(9, 7, 2), "LA"), "PNG"),
    "RGB": saved(Image.fromarray(noise(9, 7, 3)), "PNG"),
    "RGBA": saved(Image.fromarray(noise(9, 7, 4)), "PNG"),
    "RGB with a transparent colour": saved(
        Image.fromarray(noise(9, 7, 3) // 128 * 255), "PNG", transparency=(255, 0, 0)
    ),
    "grey with a transparent colour": saved(Image.fromarray(noise(9, 7) // 64 * 64), "PNG", transparency=64),
    "1 bit": saved(Image.fromarray(noise(9, 7)).convert("1"), "PNG"),
    "JPEG": saved(Image.fromarray(noise(9, 7, 3)), "JPEG"),
    "grey JPEG": saved(Image.fromarray(noise(9, 7)), "JPEG"),
    "CMYK JPEG": saved(Image.fromarray(noise(9, 7, 4), "CMYK"), "JPEG"),
    "WebP": saved(Image.fromarray(noise(9, 7, 4)), "WEBP", lossless=True),
    "BMP": saved(Image.fromarray(noise(9, 7, 3)), "BMP"),
    "GIF": saved(palette_image(COLOURS), "GIF"),
    "GIF with transparency": saved(palette_image(COLOURS), "GIF", transparency=2),
    "LZW TIFF": saved(Image.fromarray(noise(9, 7, 3)), "TIFF", compression="tiff_lzw"),
    "PPM": saved(Image.fromarray(noise(9, 7, 3)), "PPM"),
    "PGM": saved(Image.fromarray(noise(9, 7)), "PPM"),
    "TGA": saved(Image.fromarray(noise(9, 7, 4)), "TGA"),
    "run-length TGA": saved(Image.fromarray(noise(9, 7, 3)), "TGA", compression="tga_rle"),
    "AVIF": saved(Image.fromarray(noise(9, 7, 3)), "AVIF"),
    "palette TIFF": saved(palette_image(COLOURS), "TIFF"),
}


def tiff_of(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


SEEDS = CONVERTIBLE | {
    "16 bits of grey": png_of(noise(6, 5, dtype=np.uint16)),
    "16 bits of grey with alpha": png_of(noise(6, 5, 2, dtype=np.uint16)),
    "16 bits": png_of(noise(6, 5, 3, dtype=np.uint16)),
    "16 bits with a transparent colour": png_of(noise(6, 5, 3, dtype=np.uint16) // 2**15, key=(1, 0, 1)),
    "8 bits in 16": png_of(noise(6, 5, 4).astype(np.uint16) * 257),
    "TIFF of 16 bits": tiff_of(noise(6, 5, dtype=np.uint16)),
    "TIFF of channels": tiff_of(noise(5, 6, 7, dtype=np.uint16), photometric="minisblack"),
    "animation": saved(Image.new("RGB", (8, 8)), "PNG", save_all=True, append_images=[Image.new("RGB", (8, 8), "red")]),
}


@pytest.mark.filterwarnings("ignore:Palette images:UserWarning")  # Pillow's, for the oracle below
@pytest.mark.parametrize("content", CONVERTIBLE.values(), ids=CONVERTIBLE.keys())
def test_without_alpha_the_pixels_are_what_convert_rgb_gives(content: bytes) -> None:
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.array_equal(as_rgb(decode(content)), expected)


@pytest.mark.parametrize("content", CONVERTIBLE.values(), ids=CONVERTIBLE.keys())
def test_transparency_is_what_convert_rgba_gives(content: bytes) -> None:
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))[:, :, 3]
    pixels = decode(content).pixels
    alpha = pixels[:, :, -1] if pixels.shape[2] in (2, 4) else np.full(pixels.shape[:2], 255)
    assert np.array_equal(alpha, expected)


@pytest.mark.parametrize(
    ("name", "mode", "channels"),
    [
        ("palette", "P", 3),
        ("palette with one transparent entry", "P", 4),
        ("grey palette", "P", 1),
        ("grey palette with transparency", "P", 2),
        ("grey", "L", 1),
        ("grey and alpha", "LA", 2),
        ("grey with a transparent colour", "L", 2),
        ("RGB with a transparent colour", "RGB", 4),
        ("1 bit", "1", 1),
        ("CMYK JPEG", "CMYK", 3),
    ],
)
def test_mode_and_channels_tell_what_the_file_holds(name: str, mode: str, channels: int) -> None:
    decoded = decode(CONVERTIBLE[name])
    assert (decoded.mode, decoded.pixels.shape) == (mode, (9, 7, channels))
    assert decoded.notes == (("CMYK converted to RGB",) if mode == "CMYK" else ())


def test_alpha_that_is_opaque_everywhere_is_no_alpha() -> None:
    assert decode(saved(Image.new("RGBA", (4, 3), (1, 2, 3, 255)), "PNG")).pixels.shape == (3, 4, 3)
    assert decode(saved(Image.new("LA", (4, 3), (1, 255)), "PNG")).pixels.shape == (3, 4, 1)


@pytest.mark.promise("Images of 16 bits a channel keep every bit.")
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_a_channel_are_kept_to_the_bit(channels: int) -> None:
    array = noise(6, 5, channels, dtype=np.uint16)
    decoded = decode(png_of(array))
    assert decoded.pixels.dtype == np.uint16
    assert np.array_equal(decoded.pixels, array)
    assert decoded.mode == {1: "I;16", 2: "LA;16", 3: "RGB;16", 4: "RGBA;16"}[channels]


def test_a_transparent_colour_of_16_bits_becomes_alpha() -> None:
    array = noise(6, 5, 3, dtype=np.uint16)
    array[2, 3] = (1000, 2000, 3000)
    alpha = decode(png_of(array, key=(1000, 2000, 3000))).pixels[:, :, 3]
    assert np.argwhere(alpha == 0).tolist() == [[2, 3]]
    assert alpha.max() == 65535


def test_8_bit_colours_stored_in_16_bits_come_back_as_8() -> None:
    array = noise(6, 5, 4)
    decoded = decode(png_of(array.astype(np.uint16) * 257))
    assert np.array_equal(decoded.pixels, array)
    assert decoded.notes == ("8-bit colours in 16 bits",)


def test_the_transparent_grey_of_a_2_bit_png_is_spread_like_its_pixels() -> None:
    packed = np.array([[0b00011011]], dtype=np.uint8)  # 0, 1, 2, 3
    pixels = decode(png_of(packed, depth=2, key=(1,), size=(1, 4))).pixels
    assert pixels[0].tolist() == [[0, 255], [85, 0], [170, 255], [255, 255]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_rotation_is_applied_as_pillow_would(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(Image.fromarray(noise(16, 8, 3)), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    assert np.array_equal(decode(content).pixels, expected)


def test_rotation_is_noted_and_broken_exif_is_no_reason_to_lose_a_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(noise(4, 2, 3))
    assert decode(saved(image, "PNG", exif=exif)).notes == ("rotated as EXIF says",)
    assert decode(saved(image, "PNG", exif=b"Exif\0\0garbage")).notes == ()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    decoded = decode(
        saved(
            frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
        )
    )
    assert decoded.notes == ("first of several frames",)
    assert (as_rgb(decoded) == (255, 0, 0)).all()


def test_the_content_decides_and_not_the_name_of_the_format() -> None:
    for content in (
        b"hello, I am a text",
        b"<html>",
        b"RIFF0000WAVE",
        b"\0" * 100,
        b"\x1f\x8b",
    ):
        with pytest.raises(Unreadable, match="not an image"):
            decode(content)
    with pytest.raises(Unreadable, match="empty file"):
        decode(b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_a_file_cut_anywhere_is_refused_and_nothing_is_printed(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    content = saved(Image.fromarray(noise(32, 32, 3)), kind)
    for length in range(1, len(content) * 9 // 10, max(1, len(content) // 60)):
        with pytest.raises(Unreadable):
            decode(content[:length])
    with pytest.raises(Unreadable, match=r"cut off|damaged"):
        decode(content[: len(content) // 2])
    assert capfd.readouterr() == ("", "")


@pytest.mark.promise("An image that declares too many pixels is refused by its header, before memory is spent on it.")
def test_a_bomb_is_refused_by_its_header() -> None:
    tiny = np.zeros((1, 1, 3), dtype=np.uint16)
    with pytest.raises(Unreadable, match="100,000 x 100,000 pixels, the limit for its kind is 36 million"):
        decode(png_of(tiny, size=(100_000, 100_000)))
    with pytest.raises(Unreadable, match=r"6,401 x 10,000 pixels, the limit for its kind is 64 million"):
        decode(png_of(tiny, depth=8, size=(10_000, 6_401)))
    gif = bytearray(saved(Image.new("P", (1, 1)), "GIF"))
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    with pytest.raises(Unreadable, match="limit"):
        decode(bytes(gif))
    jpeg = bytearray(saved(Image.new("RGB", (8, 8)), "JPEG", progressive=True))
    place = jpeg.index(b"\xff\xc2") + 5
    jpeg[place : place + 4] = struct.pack(">HH", 7_000, 7_000)
    with pytest.raises(Unreadable, match="7,000 x 7,000 pixels, the limit for its kind is 42 million"):
        decode(bytes(jpeg))
    with pytest.raises(Unreadable, match="6,000 x 6,000 pixels, the limit for its kind is 28 million"):
        decode(saved(Image.new("RGB", (6_000, 6_000)), "WEBP", lossless=True, method=0))


@pytest.mark.filterwarnings("ignore:Palette images:UserWarning")  # as above
@pytest.mark.parametrize("kind", SEEDS)
def test_strip_by_strip_the_pixels_are_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = decode(SEEDS[kind])
    monkeypatch.setattr("dcgan.data.decoding.strips.STRIP_PIXELS", 15)  # two rows of most
    by_strips = decode(SEEDS[kind])
    assert np.array_equal(by_strips.pixels, whole.pixels)
    assert (by_strips.mode, by_strips.notes) == (whole.mode, whole.notes)


def test_no_warning_escapes_and_the_filters_are_left_as_they_were() -> None:
    content = saved(palette_image(COLOURS), "PNG", transparency=bytes(range(0, 256, 16)))
    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threads = [threading.Thread(target=lambda: [decode(content) for _ in range(20)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not any("PIL" in str(rule[3]) for rule in warnings.filters)
    assert caught == []
    assert list(warnings.filters) == before


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(list(SEEDS.values())), st.data())
def test_whatever_the_bytes_only_unreadable_escapes(content: bytes, data: st.DataObject) -> None:
    mutant = bytearray(content)
    places = data.draw(
        st.lists(st.tuples(st.integers(0, len(mutant) - 1), st.integers(0, 255)), min_size=1, max_size=8)
    )
    for place, value in places:
        mutant[place] = value
    del mutant[data.draw(st.integers(len(mutant) // 2, len(mutant))) :]
    try:
        pixels = decode(bytes(mutant)).pixels
    except Unreadable as error:
        assert str(error)
        assert str(error).isprintable()
    else:
        assert pixels.ndim == 3
        assert pixels.dtype in (np.uint8, np.uint16)
        assert pixels.size
