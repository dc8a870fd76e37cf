"""Formats of image files are known by their bytes: each that is read gives its pixels, each other is named."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from dcgan.data.decoding.decode import Unreadable, decode
from dcgan.data.decoding.formats import is_image, says_nothing, unread_format
from dcgan.data.decoding.png import SHEET


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def isobmff(brand: bytes, *compatible: bytes) -> bytes:
    """The head of a file of boxes, which tells its format; no picture follows."""
    brands = b"".join(compatible)
    return struct.pack(">I", 16 + len(brands)) + b"ftyp" + brand + bytes(4) + brands + bytes(500)


@pytest.mark.parametrize(
    ("array", "kind", "options"),
    [
        (noise(9, 7, 3), "PPM", {}),
        (noise(9, 7), "PPM", {}),
        (noise(9, 7, 3), "TGA", {}),
        (noise(9, 7), "TGA", {}),
        (noise(9, 7, 4), "TGA", {"compression": "tga_rle"}),
    ],
)
def test_exact_formats_of_other_programs_keep_their_pixels(array: np.ndarray, kind: str, options: dict) -> None:
    assert np.array_equal(decode(saved(Image.fromarray(array), kind, **options)).pixels, np.atleast_3d(array))


def test_a_pgm_of_16_bits_keeps_them_and_one_of_12_fills_the_range() -> None:
    deep = noise(5, 4, dtype=np.uint16)
    assert np.array_equal(decode(b"P5\n4 5\n65535\n" + deep.astype(">u2").tobytes()).pixels[:, :, 0], deep)
    pixels = decode(b"P5 2 1 4095\n" + struct.pack(">HH", 4095, 2048)).pixels
    assert pixels.ravel().tolist() == [65535, round(2048 / 4095 * 65535)]
    assert decode(b"P2 # text\n3 1 9\n0 3 9\n").pixels.ravel().tolist() == [0, 85, 255]


@pytest.mark.parametrize("most", [1, 100, 1000, 65535])
@pytest.mark.parametrize("magic", [b"P5", b"P6"])
def test_a_binary_ppm_is_spread_over_the_whole_range(magic: bytes, most: int) -> None:
    shape = (4, 5, 3 if magic == b"P6" else 1)
    numbers = np.random.default_rng(0).integers(0, most, shape, endpoint=True)
    body = numbers.astype(">u2" if most > 255 else np.uint8).tobytes()
    decoded = decode(magic + b" 5 4 %d\n" % most + body)
    white = 65535 if most > 255 else 255
    assert np.array_equal(decoded.pixels, np.floor(numbers / most * white + 0.5))
    assert decoded.pixels.dtype == (np.uint16 if most > 255 else np.uint8)
    with pytest.raises(Unreadable, match="cut off"):
        decode(magic + b" 5 4 %d\n" % most + body[:-1])


def test_a_ppm_written_as_text_is_refused_when_it_would_lose_bits_or_take_minutes() -> None:
    with pytest.raises(Unreadable, match="over 8 bits a colour written as text; save it as PNG or TIFF"):
        decode(b"P3 1 1 65535\n1 2 3\n")
    with pytest.raises(Unreadable, match="over 1,000,000 numbers written as text"):
        decode(b"P3 2000 2000 255\n" + b"1 " * 20_000)


def test_an_avif_is_read_turned_as_it_says_and_its_first_frame_taken() -> None:
    smooth = Image.fromarray(np.add.outer(np.arange(0, 128, 4), np.arange(0, 96, 4)).astype(np.uint8)).convert("RGB")
    pixels = decode(saved(smooth, "AVIF", quality=100, subsampling="4:4:4")).pixels
    assert np.abs(pixels.astype(int) - np.asarray(smooth)).max() <= 3
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(saved(smooth, "AVIF", exif=exif))
    assert turned.pixels.shape == (24, 32, 3)
    assert turned.notes == ("rotated as EXIF says",)
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    first = decode(saved(frames[0], "AVIF", save_all=True, append_images=frames[1:]))
    assert first.notes == ("first of several frames",)
    assert first.pixels[..., 0].min() > 200


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (isobmff(b"heic", b"mif1", b"heic"), "HEIC"),
        (isobmff(b"mif1", b"mif1", b"heic"), "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50), "JPEG 2000"),
        (b"8BPS\0\1" + bytes(50), "Photoshop"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    ],
)
def test_images_of_a_format_that_is_not_read_are_named_with_what_to_do(content: bytes, name: str) -> None:
    with pytest.raises(Unreadable, match=rf"^{name}, which is not read; \w+"):
        decode(content)
    assert is_image(content)


def test_an_avif_with_the_brand_of_a_container_is_no_heic() -> None:
    with pytest.raises(Unreadable, match="damaged"):
        decode(isobmff(b"mif1", b"mif1", b"avif"))


@pytest.mark.parametrize("content", [isobmff(b"qt  "), isobmff(b"isom", b"mp42"), b"{}", b"\0" * 100, b"Q5\n", b""])
def test_films_and_texts_are_no_images(content: bytes) -> None:
    assert not is_image(content)
    with pytest.raises(Unreadable, match=r"^not an image|^empty file"):
        decode(content)


def test_names_tell_formats_that_are_not_read_and_names_that_tell_nothing() -> None:
    assert [unread_format(name) for name in ("a.HEIC", "b.nef", "c.txt", "heic")] == ["HEIC", "camera raw", None, None]
    telling = {
        "d41d8cd9": True,
        "1.5": True,
        "a.jpg?width=300": True,
        "a.jpg:large": True,
        "a.txt": False,
        "a.mp4": False,
    }
    assert {name: says_nothing(name) for name in telling} == telling


class TestTextsOfPngs:
    def test_large_texts_and_profiles_do_not_cost_the_picture(self) -> None:
        pixels = noise(9, 7, 3)
        for compressed in (True, False):
            info = PngImagePlugin.PngInfo()
            info.add_text("workflow", "x" * 2_000_000, zip=compressed)
            info.add_itxt("prompt", "y" * 2_000_000, zip=compressed)
            assert np.array_equal(decode(saved(Image.fromarray(pixels), "PNG", pnginfo=info)).pixels, pixels)
        with_profile = saved(Image.fromarray(pixels), "PNG", icc_profile=b"p" * 2_000_000)
        assert np.array_equal(decode(with_profile).pixels, pixels)

    def test_a_text_that_tells_how_the_camera_was_held_is_heard(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        profile = "\nexif\n" + f"{len(exif.tobytes()):8}\n" + exif.tobytes().hex() + "\n"
        xmp = '<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
        for keyword, text, zipped in (("Raw profile type exif", profile, True), ("XML:com.adobe.xmp", xmp, False)):
            info = PngImagePlugin.PngInfo()
            if zipped:
                info.add_text(keyword, text, zip=True)
            else:
                info.add_itxt(keyword, text)
            decoded = decode(saved(Image.fromarray(noise(9, 7)), "PNG", pnginfo=info))
            assert (decoded.pixels.shape, decoded.notes) == ((7, 9, 1), ("rotated as EXIF says",))

    def test_a_broken_text_is_passed_over(self) -> None:
        content = saved(Image.fromarray(noise(9, 7)), "PNG")
        body = b"zTXtRaw profile type exif\0\0garbage"
        broken = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        assert decode(content[:33] + broken + content[33:]).pixels.shape == (9, 7, 1)

    def test_a_contact_sheet_of_this_program_is_no_image(self, tmp_path: Path) -> None:
        info = PngImagePlugin.PngInfo()
        info.add_text(*SHEET)
        with pytest.raises(Unreadable, match="a contact sheet that dcgan drew"):
            decode(saved(Image.fromarray(noise(9, 7)), "PNG", pnginfo=info))
