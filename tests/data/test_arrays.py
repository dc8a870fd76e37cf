"""Arrays of images: IDX, npy, npz and TIFF stacks keep their numbers, and no pickle is ever opened."""

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def names(source: Source) -> list[str]:
    return [item.name for item in source.items]


def refusal(path: Path, exit_code: ExitCode = ExitCode.DATA) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == exit_code
    return str(caught.value)


def write_idx(path: Path, array: np.ndarray) -> Path:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()) if path.suffix == ".gz" else header + array.tobytes())
    return path


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_an_mnist_folder_is_one_data_set_with_its_official_test_split(tmp_path: Path, ending: str) -> None:
    train, test = noise(5, 6, 7), noise(3, 6, 7)
    path = write_idx(tmp_path / f"train-images-idx3-ubyte{ending}", train)
    write_idx(tmp_path / f"train-labels-idx1-ubyte{ending}", np.array([7, 0, 7, 3, 0], dtype=np.uint8))
    write_idx(tmp_path / f"t10k-images-idx3-ubyte{ending}", test)
    write_idx(tmp_path / f"t10k-labels-idx1-ubyte{ending}", np.array([0, 3, 7], dtype=np.uint8))
    for source in (opened(tmp_path), opened(path)):
        assert [item.test for item in source.items] == [False] * 5 + [True] * 3
        assert source.class_names == ("0", "3", "7")
        assert [item.label for item in source.items] == [2, 0, 2, 1, 0, 0, 1, 2]
        assert np.array_equal(source.read(6).pixels[:, :, 0], test[1])
    alone = opened(tmp_path / f"t10k-images-idx3-ubyte{ending}")
    assert [item.test for item in alone.items] == [False] * 3


def test_an_idx_that_promises_more_than_it_holds_is_refused_before_room_is_made(tmp_path: Path) -> None:
    header = struct.pack(">HBB3I", 0, 8, 3, 60_000, 65_535, 65_535)
    assert "more than the file can hold" in refusal(write(tmp_path / "a.idx", header + bytes(100)))
    cut = struct.pack(">HBB3I", 0, 8, 3, 10, 5, 5) + bytes(100)
    assert "cut off: 100 of 250 bytes" in refusal(write(tmp_path / "b.idx", cut))
    assert "not an IDX file" in refusal(write(tmp_path / "c.gz", gzip.compress(b"hello, world")))
    assert "damaged" in refusal(write(tmp_path / "d.gz", gzip.compress(header)[:15]))


@pytest.mark.parametrize("dtype", [np.uint8, np.dtype("<u2"), np.dtype(">u2")])
@pytest.mark.parametrize("shape", [(4, 6, 7), (4, 6, 7, 1), (4, 6, 7, 3), (4, 6, 7, 9)])
def test_an_npy_keeps_its_numbers(tmp_path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    array = noise(*shape, dtype=np.uint16).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    source = opened(tmp_path / "a.npy")
    pixels = source.read(2).pixels
    assert names(source) == ["0", "1", "2", "3"]
    assert pixels.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(pixels, array[2].reshape(6, 7, -1))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 6, 7), dtype=np.float32), "float32. Expected: uint8 or uint16: (images * 255)"),
        (np.zeros((4, 6, 7), dtype=np.int64), "images.astype"),
        (np.zeros((4, 3, 32, 32), dtype=np.uint8), "transpose(0, 2, 3, 1)"),
        (np.zeros((4, 3, 16, 16), dtype=np.uint8), "transpose(0, 2, 3, 1)"),
        (np.zeros((4, 1, 5, 7), dtype=np.uint8), "transpose(0, 2, 3, 1)"),
        (np.zeros((4, 9, 32, 32), dtype=np.uint8), "transpose(0, 2, 3, 1)"),
        (np.zeros((4, 6, 7), dtype=bool), "uint8 or uint16: images.astype('uint8') * 255"),
        (np.zeros((32, 32, 3), dtype=np.uint8), "Expected: n x height x width"),
        (np.zeros((0, 32, 32), dtype=np.uint8), "Expected: n x height x width"),
        (np.zeros(5, dtype=np.uint8), "Expected: n x height x width"),
    ],
)
def test_an_array_that_does_not_fit_is_refused_with_the_way_out(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "a.npy", array)
    assert message in refusal(tmp_path / "a.npy")


def test_a_header_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", noise(4, 6, 7))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 6, 7), } ", b"(9**9, 6, 7)}"))
    assert "not a NumPy array" in refusal(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 6, 7), }         ", b"(4444444444, 6, 7), }"))
    assert "cut off: 4444444444 x 6 x 7 uint8" in refusal(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(content[:-1])
    assert "cut off" in refusal(tmp_path / "a.npy")


@pytest.mark.promise("A data file that holds a Python pickle is refused and never opened.")
def test_no_pickle_is_ever_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path(tmp_path / "ran").touch, ())

    evil = np.array([Bomb()], dtype=object)
    np.save(tmp_path / "a.npy", evil, allow_pickle=True)
    np.savez(tmp_path / "b.npz", x_train=evil)
    np.savez(tmp_path / "c.npz", x_train=noise(4, 6, 7), y_train=evil)
    (tmp_path / "d.pkl").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.npy", "b.npz", "c.npz", "d.pkl"):
        assert "can run any code, and was not opened" in refusal(tmp_path / name, ExitCode.UNSAFE)
    assert not (tmp_path / "ran").exists()


def test_an_npz_has_splits_and_labels(tmp_path: Path) -> None:
    train, test = noise(5, 6, 7, 3), noise(2, 6, 7, 3)
    np.savez_compressed(
        tmp_path / "a.npz",
        x_train=train,
        y_train=[[1], [0], [1], [5], [5]],
        x_test=test,
        y_test=[[0], [5]],
        other=[1],
    )
    source = opened(tmp_path / "a.npz")
    assert [item.label for item in source.items] == [1, 0, 1, 2, 2, 0, 2]
    assert [item.test for item in source.items] == [False] * 5 + [True] * 2
    assert source.class_names == ("0", "1", "5")
    assert source.skipped == [("other", "another array of the file")]
    assert np.array_equal(source.read(5).pixels, test[0])


def test_an_npz_may_hold_one_array_and_its_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", noise(3, 6, 7))
    assert opened(tmp_path / "a.npz").class_names == ()
    np.savez(tmp_path / "b.npz", pictures=noise(3, 6, 7), labels=["dog", "cat", "dog"])
    source = opened(tmp_path / "b.npz")
    assert source.class_names == ("cat", "dog")
    assert [item.label for item in source.items] == [1, 0, 1]
    np.savez(tmp_path / "c.npz", pictures=noise(3, 6, 7), labels=[1, 2])
    assert "one number or name for each" in refusal(tmp_path / "c.npz")
    np.savez(tmp_path / "scalar.npz", pictures=noise(3, 6, 7), labels=1)
    assert "one number or name for each" in refusal(tmp_path / "scalar.npz")
    np.savez(tmp_path / "d.npz", a=noise(3, 6, 7), b=noise(3, 6, 7))
    assert "arrays a, b. Expected: x_train" in refusal(tmp_path / "d.npz")
    (tmp_path / "e.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:-20])
    assert "damaged" in refusal(tmp_path / "e.npz")


def test_labels_that_are_no_classes_do_not_cost_the_images(tmp_path: Path) -> None:
    images, many = noise(6, 5, 7), noise(6, 14)
    np.savez(tmp_path / "a.npz", train_images=images, train_labels=many, test_images=images, test_labels=many)
    source = opened(tmp_path / "a.npz")
    assert [item.test for item in source.items] == [False] * 6 + [True] * 6
    assert source.class_names == ()
    assert source.skipped == [
        ("test_labels", "14 numbers an image, not classes"),
        ("train_labels", "14 numbers an image, not classes"),
    ]
    np.savez(tmp_path / "b.npz", images=images, labels=np.linspace(0, 1, 6))
    source = opened(tmp_path / "b.npz")
    assert source.class_names == ()
    assert source.skipped == [("labels", "float64, neither whole numbers nor text")]


def test_whole_numbers_stored_as_floats_are_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=noise(6, 5, 7), labels=np.array([[0], [2], [10], [0], [2], [10]], np.float32))
    source = opened(tmp_path / "a.npz")
    assert source.class_names == ("0", "2", "10")
    assert [item.label for item in source.items] == [0, 1, 2, 0, 1, 2]


def test_the_pages_of_a_tiff_are_images(tmp_path: Path) -> None:
    pages = noise(4, 6, 7, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "stack.tif", pages, photometric="minisblack")
    source = opened(tmp_path / "stack.tif")
    assert len(source.items) == 4
    assert np.array_equal(source.read(3).pixels[:, :, 0], pages[3])
    colour = noise(4, 6, 7, 3)
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb", compression="zlib")
    source = opened(tmp_path / "colour.tif")
    assert np.array_equal(source.read(1).pixels, colour[1])
    assert source.read(1).mode == "RGB"
    write(tmp_path / "bad.tif", (tmp_path / "stack.tif").read_bytes()[:100])
    assert "bad.tif: " in refusal(tmp_path / "bad.tif")


def test_a_tiff_stack_without_tifffile_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", noise(4, 6, 7), photometric="minisblack")
    monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
    assert "pip install 'dcgan[science]'" in refusal(tmp_path / "stack.tif")
