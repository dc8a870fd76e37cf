"""Finished pictures hold exactly what was drawn, or say what they leave out."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from dcgan.export import pictures


def images(count: int = 3, channels: int = 3, colours: int = 200) -> np.ndarray:
    """Noise of a few colours, 6 x 5."""
    source = np.random.default_rng(3)
    chosen = source.integers(0, 256, (colours, channels))
    return chosen[source.integers(0, colours, (count, 6, 5))].astype(np.uint8)


def frames(content: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(content)) as picture:
        found = []
        for number in range(picture.n_frames):
            picture.seek(number)
            found.append(np.asarray(picture.convert("RGBA")))
        return found


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_an_animation_holds_every_image_in_order(kind: str, channels: int) -> None:
    drawn = images(channels=channels)
    if channels == 4:
        drawn = pictures.hard_edged(drawn) if kind == "gif" else drawn  # a GIF's pixels are opaque or not
    found = frames(pictures.animation(drawn, kind))
    assert len(found) == len(drawn)
    for frame, picture in zip(found, drawn, strict=True):
        visible = frame[..., 3] > 0
        colours = picture[..., :3] if channels > 1 else picture.repeat(3, axis=-1)
        assert np.array_equal(frame[visible][:, :3], colours[visible])
        assert channels != 4 or np.array_equal(frame[..., 3], picture[..., 3])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_webp_file_loses_nothing(channels: int) -> None:
    (picture,) = images(1, channels)
    with Image.open(io.BytesIO(pictures.webp(picture))) as opened:
        mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
        assert np.array_equal(np.asarray(opened.convert(mode)).reshape(picture.shape), picture)


def test_enlarging_repeats_pixels() -> None:
    drawn = images()
    large = pictures.enlarged(drawn, 3)
    assert large.shape == (3, 18, 15, 3)
    assert all(np.array_equal(large[:, y::3, x::3], drawn) for y in range(3) for x in range(3))


def test_hard_edges_leave_two_kinds_of_pixels() -> None:
    drawn = images(channels=4)
    hard = pictures.hard_edged(drawn)
    assert np.array_equal(hard[..., 3], np.where(drawn[..., 3] >= 128, 255, 0))
    assert not hard[hard[..., 3] == 0].any()
    assert np.array_equal(hard[hard[..., 3] > 0][:, :3], drawn[hard[..., 3] > 0][:, :3])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_few_colours_keep_them_under_a_palette_of_as_many(channels: int) -> None:
    drawn = images(8, channels, colours=5)
    if channels == 4:
        drawn[..., 3] = 255
    palette = pictures.palette_of(drawn, 8)
    again = pictures.recoloured(drawn, palette)
    colours = drawn.repeat(3, axis=-1) if channels == 1 else drawn
    assert np.array_equal(again, colours) and len(palette) == 5


def test_a_palette_of_few_colours_is_obeyed_and_each_pixel_takes_the_nearest() -> None:
    drawn = images(2, 4, colours=100)
    palette = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]], dtype=np.uint8)
    result = pictures.recoloured(drawn, palette)
    assert {tuple(colour) for colour in result[..., :3].reshape(-1, 3)} <= {tuple(colour) for colour in palette}
    assert np.array_equal(result[..., 3], drawn[..., 3])
    chosen = ((drawn[..., None, :3].astype(int) - palette) ** 2).sum(-1).min(-1)
    assert np.array_equal(((drawn[..., :3].astype(int) - result[..., :3]) ** 2).sum(-1), chosen)


def test_palettes_are_read_as_pixel_editors_write_them() -> None:
    palette = np.array([[0, 16, 255], [1, 2, 3]], dtype=np.uint8)
    assert np.array_equal(pictures.parse_palette(pictures.hex_palette(palette)), palette)
    gimp = b"GIMP Palette\nName: x\nColumns: 2\n#\n  0  16 255\tblue\n  1   2   3\tdark\n"
    assert np.array_equal(pictures.parse_palette(gimp), palette)
    buffer = io.BytesIO()
    Image.fromarray(palette[None]).save(buffer, format="PNG")
    found = pictures.parse_palette(buffer.getvalue())
    assert {tuple(colour) for colour in found} == {tuple(colour) for colour in palette}


@pytest.mark.parametrize("content", [b"", b"GIMP Palette\n1 2 300\n", b"ffff\n", b"\x89PNG", b"00" * 900 * 3])
def test_what_is_no_palette_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, OSError)):
        pictures.parse_palette(content)


def test_an_atlas_gives_every_image_back_by_its_name() -> None:
    drawn = images(7)
    names = [f"seed_{number:05d}" for number in range(7)]
    sheet, described = pictures.atlas(drawn, names, "atlas.png")
    content = json.loads(described)
    assert list(content["frames"]) == names
    assert content["meta"]["size"] == {"w": sheet.shape[1], "h": sheet.shape[0]}
    for name, picture in zip(names, drawn, strict=True):
        place = content["frames"][name]["frame"]
        cut = sheet[place["y"] : place["y"] + place["h"], place["x"] : place["x"] + place["w"]]
        assert np.array_equal(cut, picture)
