"""TIFF keeps all its channels and bits, or says what it would take."""

import io
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

from dcgan.data.decoding import tiff
from dcgan.data.decoding.decode import Unreadable, decode


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def tiff_of(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def test_a_tiff_keeps_all_its_channels_and_bits() -> None:
    deep = noise(6, 5, 3, dtype=np.uint16)
    decoded = decode(tiff_of(deep, photometric="rgb"))
    assert np.array_equal(decoded.pixels, deep)
    assert decoded.mode == "RGB;16"
    five = noise(5, 6, 7, dtype=np.uint16)
    for content in (
        tiff_of(five, metadata={"axes": "CYX"}),
        tiff_of(five, photometric="minisblack", planarconfig="separate"),
    ):
        decoded = decode(content)
        assert np.array_equal(decoded.pixels, five.transpose(1, 2, 0))
        assert decoded.mode == "array"
    assert decode(tiff_of(five, photometric="minisblack")).notes == ("pages as channels",)
    slices = decode(tiff_of(five, photometric="minisblack", metadata={"axes": "ZYX"}))
    assert slices.notes == ("first of several frames",)
    assert np.array_equal(slices.pixels[:, :, 0], five[0])
    grey = noise(6, 5, dtype=np.uint16)
    assert np.array_equal(decode(tiff_of(grey, byteorder=">")).pixels[:, :, 0], grey)


@pytest.mark.parametrize("tifffile_is_there", [True, False])
def test_a_tiff_of_floats_is_refused_by_its_header_whether_tifffile_is_there_or_not(
    tifffile_is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {kind: tiff_of(np.zeros((4, 4), dtype=kind)) for kind in ("float32", "int16", "uint32", "float64")}
    big = tiff_of(np.zeros((4, 4), dtype=np.float32), bigtiff=True)
    if not tifffile_is_there:
        monkeypatch.setitem(sys.modules, "tifffile", None)
    for kind, bytes_of_file in [*content.items(), ("float32", big)]:
        with pytest.raises(Unreadable, match=f"^{kind} pixels; save it as uint8 or uint16"):
            decode(bytes_of_file)


def test_without_tifffile_plain_tiffs_still_open_and_others_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, deep = io.BytesIO(), tiff_of(noise(6, 5, 3, dtype=np.uint16), photometric="rgb")
    Image.fromarray(noise(9, 7, 3)).save(plain, "TIFF", compression="tiff_lzw")
    monkeypatch.setitem(sys.modules, "tifffile", None)
    assert decode(plain.getvalue()).pixels.shape == (9, 7, 3)
    with pytest.raises(Unreadable) as refusal:
        decode(deep)
    assert str(refusal.value) == tiff.INSTALL
