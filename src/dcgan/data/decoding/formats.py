"""Recognises the format of an image file by its first bytes, and names the formats that are not read.

Only decoders of common formats are used: every other one that Pillow has is a door that nobody needs open.
"""

import re
from pathlib import PurePosixPath

from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TgaImagePlugin import TgaImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dcgan.data.sources.items import Unreadable

LOOK = 64
"""First bytes of a file that tell its format."""
READ = "PNG, JPEG, GIF, WebP, AVIF, BMP, TIFF, PPM, PGM, TGA"
EXTENSIONS = ".png .apng .jpg .jpeg .jpe .jfif .gif .webp .avif .bmp .tif .tiff .ppm .pgm .pbm .pnm .tga"
_CONVERT = "convert them to PNG or JPEG"
_CAMERA = "export them from the camera's program as JPEG or TIFF"
_HEIC = "convert them (heif-convert or ImageMagick; on a Mac, Photos > Export), or set the iPhone to Most Compatible"
UNREAD = {
    "HEIC": (".heic .heif .hif", _HEIC),
    "JPEG XL": (".jxl", _CONVERT),
    "JPEG 2000": (".jp2 .j2k .jpx", _CONVERT),
    "camera raw": (".cr2 .cr3 .nef .arw .dng .orf .raf .rw2 .pef .srw", _CAMERA),
    "Photoshop": (".psd .psb", "export them as PNG"),
    "GIMP": (".xcf", "export them as PNG"),
    "SVG": (".svg .svgz", "draw them as PNG, for example with Inkscape"),
    "OpenEXR": (".exr", _CONVERT),
    "Radiance HDR": (".hdr", _CONVERT),
    "DDS": (".dds", _CONVERT),
    "icon": (".ico .icns", _CONVERT),
    "PCX": (".pcx", _CONVERT),
    "DICOM": (".dcm .dicom", "save them as PNG of 16 bits, for example with dcmj2pnm"),
    "NIfTI": (".nii", "save their slices as a .npy array or as PNG of 16 bits"),
}
"""Image formats that are not read: their extensions, and what to do with such files."""
_READERS: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (rb"\x89PNG\r\n\x1a\n", PngImageFile),
    (rb"\xff\xd8\xff", JpegImageFile),
    (rb"GIF8", GifImageFile),
    (rb"BM", BmpImageFile),
    (rb"II[*+]\0|MM\0[*+]", TiffImageFile),
    (rb"RIFF....WEBP", WebPImageFile),
    (rb"P[1-6]\s", PpmImageFile),
    (rb".{4}ftyp(avif|avis|(mif1|msf1).{4}.*avi[fs])", AvifImageFile),
    (
        rb".[\0\1][\1\2\3\x09\x0a\x0b].{5}.{8}[\1\x08\x10\x18\x20]",
        TgaImageFile,
    ),  # it has no mark: a header that makes sense
)
_UNREAD_BEGINNINGS = (
    (rb".{4}ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", "HEIC"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"8BPS", "Photoshop"),
    (rb"gimp xcf", "GIMP"),
    (rb"\x76\x2f\x31\x01", "OpenEXR"),
    (rb"#\?RADIANCE", "Radiance HDR"),
    (rb"DDS ", "DDS"),
    (rb"(<\?xml[^>]*>\s*)?<svg", "SVG"),
)


def reader_of(content: bytes) -> type[ImageFile]:
    """The reader of the format that begins with these bytes.

    Raises:
        Unreadable: Not an image, or an image of a format that is not read; the message names it.
    """
    for beginning, reader in _READERS:
        if _begins(content, beginning):
            return reader
    for beginning, name in _UNREAD_BEGINNINGS:
        if _begins(content, beginning):
            raise Unreadable(f"{name}, which is not read; {UNREAD[name][1]}")
    raise Unreadable(f"not an image ({READ.replace(', TGA', ' or TGA')})")


def unread_format(file_name: str) -> str | None:
    """The name of the image format that this extension stands for, if it is one that is not read."""
    extension = PurePosixPath(file_name).suffix.lower()
    return next(
        (name for name, (extensions, _) in UNREAD.items() if extension and extension in extensions.split()), None
    )


def is_image_name(file_name: str) -> bool:
    """Whether a file is an image by its name."""
    return PurePosixPath(file_name).suffix.lower() in EXTENSIONS.split()


def says_nothing(file_name: str) -> bool:
    """Whether the file has no extension, or what follows the dot cannot be one: a hash, a date, ``.jpg?width=300``."""
    return re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,5}", PurePosixPath(file_name).suffix) is None


def is_image(beginning: bytes) -> bool:
    """Whether a file that begins with these bytes is an image for certain, of a format that is read or not."""
    marks = [mark for mark, reader in _READERS if reader is not TgaImageFile]
    return any(_begins(beginning, mark) for mark in (*marks, *(mark for mark, _ in _UNREAD_BEGINNINGS)))


def _begins(content: bytes, pattern: bytes) -> bool:
    return re.match(pattern, content[:LOOK], re.DOTALL) is not None
