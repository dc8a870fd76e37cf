"""One decoded image → the height, width and channels asked for; nothing else of the data room changes pixels.

The image is cut, transparency is settled, then it is resized and framed. Eight bits go through Pillow's own resizing;
sixteen bits, kept transparency and channels without meaning go through its float one, channel by channel, with the
same antialiasing filter. An image of up to 250,000 pixels is resized by Pillow in one call, so that the result is
Pillow's to the bit. A larger one is prepared and resized strip by strip, so that it never stands in memory twice:
across first, then down. Pillow 13 goes down first where an image loses much of its height: single values then differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from dcgan.data import plain_bilinear
from dcgan.data.sources.items import Decoded, Unreadable
from dcgan.notation import background_colour
from dcgan.settings.knobs import DataConfig

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


STRIP_PIXELS = 250_000  # of the image that are worked on at a time
MOST_BETWEEN = 25_000_000  # pixels between resizing across and down, or twice what is asked for


@dataclass(frozen=True)
class Placement:
    """What is cut out of an image, and where in the new one it lands."""

    left: int
    top: int
    width: int
    height: int
    """The part that is cut out."""
    new_width: int
    new_height: int
    """What it is resized to: the whole new image, except that ``pad`` leaves a border."""

    @property
    def resizes(self) -> bool:
        """Whether any pixel must be computed."""
        return (self.width, self.height) != (self.new_width, self.new_height)


def place(height: int, width: int, config: DataConfig) -> Placement:
    """How an image of this height and width fits the config's: whole pixels, centred, at least one."""
    if config.fit == "stretch":
        return Placement(0, 0, width, height, config.width, config.height)
    if config.fit == "pad":
        scale = min(config.height / height, config.width / width)
        new_width = min(config.width, max(1, round(width * scale)))
        return Placement(0, 0, width, height, new_width, min(config.height, max(1, round(height * scale))))
    cut_width = min(width, max(1, round(height * config.width / config.height)))
    cut_height = min(height, max(1, round(width * config.height / config.width)))
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    return Placement(left, top, cut_width, cut_height, config.width, config.height)


def keeps_channels(decoded: Decoded, config: DataConfig) -> bool:
    """Whether the channels are taken as they are, as numbers without meaning, not as grey, colours and alpha."""
    return config.channels == "auto" and (decoded.mode == "array" or decoded.pixels.shape[2] > 4)


def shape_image(decoded: Decoded, config: DataConfig) -> np.ndarray:
    """Bring one image to the config's height and width: h w c, uint8 or uint16 as it came.

    A grey image stays one channel here (unless ``channels`` says ``rgba``, or a coloured background shows):
    ``brought_to`` makes three of it when others have colour.

    Raises:
        Unreadable: It has channels that the config's colours cannot be made of.
    """
    height, width, channels = decoded.pixels.shape
    placement = place(height, width, config)
    if keeps_channels(decoded, config):
        picture = _resized(decoded.pixels, placement, config)
        return _frame(picture, _background(picture, config), config)
    if channels > 4:
        raise Unreadable(f"{channels} channels, which cannot become {config.channels}")
    if config.channels == "rgba":
        return _shape_transparent(decoded.pixels, placement, config)
    picture = _resized(decoded.pixels, placement, config, lambda strip: _coloured(strip, config))
    return _frame(picture, _background(picture, config), config)


def brought_to(picture: np.ndarray, channels: int, dtype: np.dtype) -> np.ndarray:
    """Grey → three equal channels, eight bits → sixteen (0 … 255 → 0 … 65535), without loss; 16 are rounded."""
    if picture.dtype != dtype:
        wide = picture.astype(np.uint32)
        picture = (wide * 257 if dtype == np.uint16 else (wide + 128) // 257).astype(dtype)
    assert picture.shape[2] in (1, channels), (picture.shape, channels)
    return picture if picture.shape[2] == channels else picture.repeat(channels, axis=2)


def luma(picture: np.ndarray) -> np.ndarray:
    """RGB → one channel of brightness (ITU-R 601, in Pillow's integers): h w 3 → h w 1, same type."""
    red, green, blue = (picture[:, :, channel].astype(np.uint32) for channel in range(3))
    brightness: np.ndarray = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return brightness.astype(picture.dtype)[:, :, None]


def _coloured(pixels: np.ndarray, config: DataConfig) -> np.ndarray:
    """Any picture without transparency, grey if that is asked for, in three channels where the border needs them."""
    picture = _opaque(pixels, config)
    if config.channels == "grey" and picture.shape[2] == 3:
        return luma(picture)
    if config.channels != "grey" and config.fit == "pad" and picture.shape[2] == 1 and _is_coloured(config):
        return picture.repeat(3, axis=2)
    return picture


def _opaque(pixels: np.ndarray, config: DataConfig) -> np.ndarray:
    """Without transparency: painted over the background, or dropped so that the colours beneath appear."""
    if pixels.shape[2] in (1, 3):
        return pixels
    colours, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
    if config.alpha == "drop":
        return colours
    if colours.shape[2] == 1 and config.channels != "grey" and _is_coloured(config):
        colours = colours.repeat(3, axis=2)
    white = np.iinfo(pixels.dtype).max
    wide = np.uint16 if pixels.dtype == np.uint8 else np.uint32  # white² + white / 2 still fits
    mixed: np.ndarray = colours.astype(wide) * alpha + _background(colours, config).astype(wide) * (white - alpha)
    return ((mixed + white // 2) // white).astype(pixels.dtype)


def _as_rgba(pixels: np.ndarray) -> np.ndarray:
    """Any of grey, grey and alpha, RGB, RGBA → RGBA."""
    channels = pixels.shape[2]
    if channels == 4:
        return pixels
    colours = pixels[:, :, :3] if channels == 3 else pixels[:, :, :1].repeat(3, axis=2)
    alpha = pixels[:, :, 1:] if channels == 2 else np.full_like(pixels[:, :, :1], np.iinfo(pixels.dtype).max)
    return np.concatenate([colours, alpha], axis=2)


def _shape_transparent(pixels: np.ndarray, placement: Placement, config: DataConfig) -> np.ndarray:
    """Any of grey, grey and alpha, RGB, RGBA → RGBA.

    Colours weigh as much as they can be seen, so that hidden ones never bleed into the edges. Where nothing is to be
    seen the colour is the background's.
    """
    dtype, white = pixels.dtype, np.iinfo(pixels.dtype).max
    behind = _background(np.empty((1, 1, 3), dtype), config)
    if placement.resizes:
        weighted = _resized(pixels, placement, config, _weighted)
        seen = weighted[:, :, 3:].clip(0, 1)
        colours = weighted[:, :, :3] / np.maximum(seen, 0.5 / white)
        pixels = np.concatenate([colours, seen * white], axis=2).round().clip(0, white).astype(dtype)
    else:
        pixels = _as_rgba(_cut(pixels, placement))
    colours = np.where(pixels[:, :, 3:] == 0, behind, pixels[:, :, :3])
    picture = np.concatenate([colours, pixels[:, :, 3:]], axis=2)
    return _frame(picture, np.append(behind, 0).astype(dtype), config)


def _weighted(pixels: np.ndarray) -> np.ndarray:
    """Any of grey, grey and alpha, RGB, RGBA → colours times opacity, and opacity: h w 4, float32, opaque is 1."""
    pixels = _as_rgba(pixels)
    opacity = pixels[:, :, 3:].astype(np.float32) / np.iinfo(pixels.dtype).max
    return np.concatenate([pixels[:, :, :3] * opacity, opacity], axis=2)


def _resized(
    pixels: np.ndarray,
    placement: Placement,
    config: DataConfig,
    prepare: Callable[[np.ndarray], np.ndarray] = lambda strip: strip,
) -> np.ndarray:
    """Cut, prepare and resize any number of channels, each for itself; whole numbers stay whole.

    Raises:
        Unreadable: So tall that what lies between the two resizings would take too much memory.
    """
    if config.resample == "opencv":
        return _resized_plainly(prepare(_cut(pixels, placement)), placement)
    pixels, resample = _cut(pixels, placement), _FILTERS[config.resample]
    rows = max(1, STRIP_PIXELS // placement.width)
    strips = (prepare(pixels[top : top + rows]) for top in range(0, placement.height, rows))
    if not placement.resizes:
        return np.concatenate(list(strips))
    between = placement.height * placement.new_width
    if between > max(MOST_BETWEEN, 2 * config.height * config.width):
        raise Unreadable(f"{placement.height:,} pixels are too tall to become {placement.new_width:,} wide")
    if rows >= placement.height:
        picture = np.concatenate(list(strips))
        resized, dtype = _resized_part(picture, placement.new_height, placement.new_width, resample), picture.dtype
    else:
        across, dtype = [], pixels.dtype
        for strip in strips:
            dtype = strip.dtype
            across.append(_resized_part(strip, len(strip), placement.new_width, resample))
        resized = _resized_part(np.concatenate(across), placement.new_height, placement.new_width, resample)
    return resized if resized.dtype == dtype else resized.round().clip(0, np.iinfo(dtype).max).astype(dtype)


def _resized_plainly(picture: np.ndarray, placement: Placement) -> np.ndarray:
    """Eight bits without antialiasing.

    Raises:
        Unreadable: It has more bits.
    """
    if picture.dtype != np.uint8:
        raise Unreadable("16 bits, which data.resample = opencv does not resize; choose another filter")
    return plain_bilinear.resized(picture, placement.new_height, placement.new_width)


def _resized_part(picture: np.ndarray, height: int, width: int, resample: Image.Resampling) -> np.ndarray:
    """One or three channels of 8 bits as they are, all else as float32, channel by channel."""
    if picture.dtype == np.uint8 and picture.shape[2] in (1, 3):
        image = Image.fromarray(picture if picture.shape[2] == 3 else picture[:, :, 0])
        return np.asarray(image.resize((width, height), resample)).reshape(height, width, -1)
    channels = (picture[:, :, channel].astype(np.float32) for channel in range(picture.shape[2]))
    resized = [np.asarray(Image.fromarray(channel).resize((width, height), resample)) for channel in channels]
    return np.stack(resized, axis=2)


def _cut(pixels: np.ndarray, placement: Placement) -> np.ndarray:
    """The part that is used."""
    bottom, right = placement.top + placement.height, placement.left + placement.width
    return pixels[placement.top : bottom, placement.left : right]


def _frame(picture: np.ndarray, background: np.ndarray, config: DataConfig) -> np.ndarray:
    """Centred on the background where the image is smaller than the config's size."""
    height, width, channels = picture.shape
    if (height, width) == (config.height, config.width):
        return picture
    framed = np.empty((config.height, config.width, channels), dtype=picture.dtype)
    framed[:] = background
    top, left = (config.height - height) // 2, (config.width - width) // 2
    framed[top : top + height, left : left + width] = picture
    return framed


def _background(pixels: np.ndarray, config: DataConfig) -> np.ndarray:
    """The background in the type of ``pixels``: three numbers for three channels, its brightness for any other."""
    return _background_as(config.background, pixels.dtype, pixels.shape[2] == 3)


@lru_cache
def _background_as(name: str, dtype: np.dtype, coloured: bool) -> np.ndarray:
    scale = 257 if dtype == np.uint16 else 1
    colour = np.array([[background_colour(name)]], dtype=dtype) * dtype.type(scale)
    background: np.ndarray = (colour if coloured else luma(colour))[0, 0]
    background.setflags(write=False)
    return background


def _is_coloured(config: DataConfig) -> bool:
    """Whether the background is anything but a grey."""
    return len(set(background_colour(config.background))) > 1
