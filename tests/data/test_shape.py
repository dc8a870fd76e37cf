"""One image becomes the shape asked for: against Pillow, closed forms and invariances."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dcgan.data.shape import brought_to, luma, place, shape_image
from dcgan.data.sources.items import Decoded, Unreadable
from dcgan.settings.knobs import DataConfig


def random(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def shaped(pixels: np.ndarray, mode: str = "any", **options: object) -> np.ndarray:
    options = {"height": 16, "width": 16, **options}
    return shape_image(Decoded(pixels, mode), DataConfig(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "LA", "L", "P"])
def test_the_chapter_s_decoding_is_convert_rgb_then_a_bilinear_stretch(mode: str) -> None:
    image = Image.fromarray(random(40, 30, 4)).convert(mode)
    expected = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))
    pixels = np.asarray(image.convert("RGB") if mode == "P" else image)
    got = shaped(pixels.reshape(40, 30, -1), height=64, width=64, fit="stretch", resample="bilinear", alpha="drop")
    assert np.array_equal(brought_to(got, 3, np.dtype(np.uint8)), expected)


@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "lanczos"])
def test_a_crop_is_pillow_s_resize_of_the_middle(resample: str) -> None:
    pixels = random(50, 90, 3)
    expected = Image.fromarray(pixels[:, 20:70]).resize((32, 32), Image.Resampling[resample.upper()])
    assert np.array_equal(shaped(pixels, height=32, width=32, resample=resample), np.asarray(expected))


def test_cutting_without_resizing_keeps_every_pixel() -> None:
    pixels = random(16, 21, 3)
    assert np.array_equal(shaped(pixels), pixels[:, 2:18])


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_right_size_is_left_alone(channels: int, dtype: type) -> None:
    pixels = random(16, 16, channels, dtype=dtype)
    assert np.array_equal(shaped(pixels, mode="array"), pixels)


def test_padding_shows_the_whole_image_in_the_middle_of_the_background() -> None:
    pixels = random(16, 8, 3)
    got = shaped(pixels, fit="pad", background="#102030")
    assert np.array_equal(got[:, 4:12], pixels)
    assert (got[:, :4] == [16, 32, 48]).all() and (got[:, 12:] == [16, 32, 48]).all()


def test_a_grey_image_on_a_coloured_border_becomes_coloured() -> None:
    got = shaped(random(16, 8, 1), fit="pad", background="#102030")
    assert (got[:, 0] == [16, 32, 48]).all()
    assert shaped(random(16, 8, 1), fit="pad", background="#102030", channels="grey").shape == (16, 16, 1)
    assert shaped(random(16, 8, 1), fit="pad").shape == (16, 16, 1)


@settings(max_examples=100, deadline=None)
@given(
    height=st.integers(1, 3000),
    width=st.integers(1, 3000),
    size=st.sampled_from([(16, 16), (48, 80), (256, 64)]),
    fit=st.sampled_from(["crop", "pad", "stretch"]),
)
def test_every_size_finds_a_place(height: int, width: int, size: tuple[int, int], fit: str) -> None:
    config = DataConfig(height=size[0], width=size[1], fit=fit)  # type: ignore[arg-type]
    placement = place(height, width, config)
    assert placement.left >= 0 and placement.left + placement.width <= width and placement.width >= 1
    assert placement.top >= 0 and placement.top + placement.height <= height and placement.height >= 1
    assert 1 <= placement.new_width <= config.width and 1 <= placement.new_height <= config.height
    if fit == "crop":  # one side whole; the shape is right to half a pixel
        assert placement.width == width or placement.height == height
        error = abs(placement.width * config.height - placement.height * config.width)
        assert error <= max(config.height, config.width) / 2 or 1 in (placement.width, placement.height)


def test_one_pixel_fills_the_image() -> None:
    assert (shaped(np.full((1, 1, 3), 77, np.uint8)) == 77).all()


def test_painting_over_the_background_is_the_textbook_formula() -> None:
    pixels = random(16, 16, 4)
    colours, alpha = pixels[:, :, :3].astype(float), pixels[:, :, 3:] / 255
    expected = colours * alpha + np.array([10, 200, 90]) * (1 - alpha)
    got = shaped(pixels, background="#0ac85a")
    assert np.abs(got - expected).max() <= 0.5 + 1e-9


def test_transparency_is_settled_before_resizing() -> None:
    pixels = random(40, 40, 4)
    by_hand = shaped(pixels, height=40, width=40)
    assert np.array_equal(shaped(pixels), shaped(by_hand))


def test_white_and_black_survive_compositing_exactly() -> None:
    for value, alpha in ((0, 255), (255, 255), (0, 0), (255, 0)):
        pixels = np.full((16, 16, 2), (value, alpha), np.uint8)
        assert (shaped(pixels) == (value if alpha else 255)).all()
        assert (shaped(pixels.astype(np.uint16) * 257) == (value if alpha else 255) * 257).all()


@pytest.mark.parametrize("background", ["white", "#ff0000"])
def test_sixteen_bits_agree_with_eight(background: str) -> None:
    for channels in (1, 2, 3, 4):
        for kept in ("auto", "grey", "rgba"):
            pixels = random(40, 30, channels)
            options = {"background": background, "channels": kept, "fit": "pad", "resample": "bilinear"}
            eight = shaped(pixels, **options)
            sixteen = shaped(pixels.astype(np.uint16) * 257, **options)
            assert sixteen.dtype == np.uint16 and sixteen.shape == eight.shape
            visible = eight[:, :, 3:] > 32 if kept == "rgba" else np.True_
            assert (np.abs(sixteen / 257 - eight) * visible).max() <= (8 if kept == "rgba" else 1.01)


def test_sixteen_bits_keep_steps_that_eight_bits_have_not() -> None:
    ramp = np.arange(1000, 1064, dtype=np.uint16)[None, :, None].repeat(64, axis=0)
    assert len(np.unique(shaped(ramp))) == 16


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_hidden_colours_never_bleed(dtype: type) -> None:
    pixels = random(40, 40, 4, dtype=dtype)
    pixels[:, :20, 3] = 0
    other = pixels.copy()
    other[:, :20, :3] = 0
    got = shaped(pixels, channels="rgba")
    assert np.array_equal(got, shaped(other, channels="rgba"))
    assert (got[got[:, :, 3] == 0][:, :3] == np.iinfo(dtype).max).all()


def test_kept_transparency_of_an_opaque_image_changes_no_colour() -> None:
    pixels = random(40, 40, 3)
    got = shaped(pixels, channels="rgba")
    assert (got[:, :, 3] == 255).all()
    assert np.abs(got[:, :, :3].astype(int) - shaped(pixels)).max() <= 1


def test_a_uniform_colour_stays_itself_under_any_soft_edge() -> None:
    pixels = np.full((40, 40, 4), (200, 100, 50, 255), np.uint8)
    pixels[:, :, 3] = random(40, 40)
    got = shaped(pixels, channels="rgba", resample="bilinear")
    assert np.abs(got[:, :, :3].astype(int) - [200, 100, 50]).max() <= 1


def test_the_border_of_kept_transparency_is_transparent() -> None:
    got = shaped(np.full((16, 8, 3), 9, np.uint8), channels="rgba", fit="pad", background="#010203")
    assert (got[:, :4] == [1, 2, 3, 0]).all() and (got[:, 4:12] == [9, 9, 9, 255]).all()


def test_luma_is_pillow_s() -> None:
    pixels = random(64, 64, 3)
    assert np.array_equal(luma(pixels)[:, :, 0], np.asarray(Image.fromarray(pixels).convert("L")))
    assert np.abs(luma(pixels.astype(np.uint16) * 257) / 257 - luma(pixels)).max() <= 0.51


@pytest.mark.parametrize("channels", [2, 4, 7])
def test_channels_of_an_array_are_resized_each_for_itself(channels: int) -> None:
    pixels = random(40, 30, channels)
    got = shaped(pixels, mode="array", resample="bilinear")
    for channel in range(channels):
        alone = shaped(pixels[:, :, channel : channel + 1], resample="bilinear")
        assert np.abs(got[:, :, channel : channel + 1].astype(int) - alone).max() <= 1


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((128, 128, 1), np.uint8)
    stripes[:, ::2] = 255
    for pixels in (stripes, stripes.astype(np.uint16) * 257):
        got = shaped(pixels) / np.iinfo(pixels.dtype).max
        assert np.abs(got - 0.5).max() < 0.03


def test_five_channels_cannot_become_colour() -> None:
    with pytest.raises(Unreadable, match="5 channels, which cannot become rgb"):
        shaped(random(16, 16, 5), channels="rgb")


def test_widening_loses_nothing() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    wide = brought_to(pixels, 3, np.dtype(np.uint16))
    assert wide.shape == (16, 16, 3) and wide.max() == 65535
    assert np.array_equal(wide[:, :, 1] // 257, pixels[:, :, 0])
    assert np.array_equal(brought_to(wide, 3, np.dtype(np.uint8))[:, :, :1], pixels)


def test_sixteen_bits_become_the_nearest_of_eight() -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    shallow = brought_to(deep, 1, np.dtype(np.uint8))
    assert shallow.dtype == np.uint8
    assert np.array_equal(shallow, np.floor(deep / 257 + 0.5))


@pytest.mark.promise("An image is resized as Pillow resizes it, to the bit, whatever its aspect.")
@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "lanczos"])
def test_every_aspect_is_resized_as_pillow_does(resample: str) -> None:
    sides = (5, 16, 24, 33, 64, 96, 200)
    for height, width in itertools.product(sides, sides):
        image = random(height, width, 3)
        for size in ((16, 16), (64, 64), (20, 48), (48, 20)):
            ours = shaped(image, fit="stretch", resample=resample, height=size[0], width=size[1])
            whole = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling[resample.upper()])
            assert np.array_equal(ours, np.asarray(whole)), (height, width, size)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("channels", ["auto", "grey", "rgb", "rgba"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_strip_by_strip_the_image_is_the_same_but_for_the_order_of_rounding(
    fit: str, channels: str, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [random(*shape, dtype=dtype) for shape in ((53, 31, 1), (31, 53, 2), (9, 70, 3), (70, 9, 4), (40, 40, 5))]
    images = images if channels == "auto" else images[:4]
    options = {"fit": fit, "channels": channels, "background": "#10a030"}
    whole = [shaped(image, **options) for image in images]
    monkeypatch.setattr("dcgan.data.shape.STRIP_PIXELS", 100)
    for image, one in zip(images, whole, strict=True):  # Pillow clips and rounds eight bits between its two passes
        by_strips = shaped(image, **options)
        assert np.abs(by_strips.astype(int) - one.astype(int)).max() <= (8 if dtype == np.uint8 else 1)


def test_what_is_too_tall_to_be_stretched_is_refused() -> None:
    with pytest.raises(Unreadable, match="1,600,000 pixels are too tall to become 16 wide"):
        shaped(np.zeros((1_600_000, 1, 1), np.uint8), fit="stretch")
    assert shaped(np.zeros((1_500_000, 1, 1), np.uint8), fit="stretch").shape == (16, 16, 1)
