"""open_source: whatever people call their images, counted, labelled, and never more than asked for."""

import gzip
import io
import os
import pickle
import struct
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dcgan.config import DataConfig
from dcgan.data.decode import Unreadable
from dcgan.data.items import Source
from dcgan.data.sources import open_source
from dcgan.errors import ExitCode, UserError

needs_real_data = pytest.mark.skipif("DCGAN_TEST_DATA" not in os.environ, reason="DCGAN_TEST_DATA names no real data")


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def png(shade: int = 0) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


def write(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or png())
    return path


def opened(path: Path, **options: object) -> Source:
    return open_source(DataConfig(source=str(path), **options))


def refusal(path: Path | str, exit_code: ExitCode = ExitCode.DATA) -> str:
    with pytest.raises(UserError) as caught:
        open_source(DataConfig(source=str(path)))
    assert caught.value.exit_code == exit_code
    return str(caught.value)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def names(source: Source) -> list[str]:
    return [item.name for item in source.items]


class TestFolders:
    def test_the_first_level_of_folders_gives_the_classes(self, tmp_path: Path) -> None:
        for name in ("dog/b.png", "dog/deep/er/c.JPG", "cat/a.PNG"):
            write(tmp_path / name)
        source = opened(tmp_path)
        assert names(source) == ["cat/a.PNG", "dog/b.png", "dog/deep/er/c.JPG"]
        assert source.class_names == ("cat", "dog")
        assert [item.label for item in source.items] == [0, 1, 1]

    def test_folders_that_all_images_share_are_no_class(self, tmp_path: Path) -> None:
        write(tmp_path / "all/images/x/1.png")
        write(tmp_path / "all/images/y/1.png")
        assert opened(tmp_path).class_names == ("x", "y")
        assert opened(tmp_path / "all/images/x").class_names == ()

    def test_one_image_outside_the_class_folders_means_no_classes(self, tmp_path: Path) -> None:
        write(tmp_path / "cat/a.png")
        write(tmp_path / "b.png")
        source = opened(tmp_path)
        assert source.class_names == ()
        assert {item.label for item in source.items} == {None}

    def test_classes_are_chosen_by_name_and_numbered_anew(self, tmp_path: Path) -> None:
        for shade, name in enumerate(("a/1.png", "b/2.png", "c/3.png")):
            write(tmp_path / name, png(shade))
        source = opened(tmp_path, classes=("c", "b"))
        assert source.class_names == ("b", "c")
        assert [(item.name, item.label) for item in source.items] == [("b/2.png", 0), ("c/3.png", 1)]
        assert source.read(1).pixels[0, 0, 0] == 2
        with pytest.raises(UserError, match=r"--classes cc: no such class in .* Did you mean c\?"):
            opened(tmp_path, classes=("cc",))
        with pytest.raises(UserError, match="There are none here"):
            opened(tmp_path / "a", classes=("dog",))

    def test_links_fifos_and_hidden_files_are_named_and_never_opened(self, tmp_path: Path) -> None:
        folder = tmp_path / "images"
        write(folder / "good.png")
        (folder / "root").symlink_to("/")
        (folder / "loop").symlink_to(folder)
        (folder / "link.png").symlink_to(folder / "good.png")
        os.mkfifo(folder / "fifo.png")
        write(folder / ".cache/x.png")
        for dropping in (".DS_Store", "Thumbs.db", "._good.png", "__MACOSX/good.png"):
            write(folder / dropping)
        source = opened(folder)
        assert names(source) == ["good.png"]
        assert dict(source.skipped) == {
            ".cache": "hidden",
            "fifo.png": "not a regular file",
            "link.png": "a link, not followed",
            "loop": "a link, not followed",
            "root": "a link, not followed",
        }

    @pytest.mark.parametrize("replace", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
    def test_what_takes_a_files_place_later_is_not_opened_either(
        self, tmp_path: Path, replace: Callable[[Path], None]
    ) -> None:
        path = write(tmp_path / "a.png")
        source = opened(tmp_path)
        path.unlink()
        with pytest.raises(Unreadable, match="cannot be opened"):
            source.read(0)
        replace(path)
        with pytest.raises(Unreadable, match=r"not a regular file|cannot be opened"):
            source.read(0)

    def test_any_name_is_read_and_safe_to_print(self, tmp_path: Path) -> None:
        for name in (b"caf\xe9.png", "été à la mer.png".encode(), b"new\nline.png", b"\x1b[31mred.png"):
            write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
        source = opened(tmp_path)
        assert names(source) == ["\\x1b[31mred.png", "caf\\xe9.png", "new\\nline.png", "été à la mer.png"]
        for index, name in enumerate(names(source)):
            assert source.read(index).pixels.shape == (3, 4, 1)
            name.encode("utf-8")

    def test_a_stamp_changes_with_the_content(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.png")
        before = opened(tmp_path).items[0].stamp
        os.utime(path, ns=(0, 12345))
        assert opened(tmp_path).items[0].stamp not in (before, "")

    def test_a_folder_without_images_says_what_it_holds(self, tmp_path: Path) -> None:
        for number in range(3):
            write(tmp_path / f"{number}.txt", b"text")
        write(tmp_path / "README", b"text")
        message = refusal(tmp_path)
        assert "*.txt: not an image by its name (3 files)" in message
        assert "files without an extension" in message
        (tmp_path / "empty").mkdir()
        assert "Found nothing at all." in refusal(tmp_path / "empty")


class TestZips:
    def test_a_zip_is_read_like_the_folder_it_was_made_of(self, tmp_path: Path) -> None:
        members = {"sprites/0001/a.png": png(1), "sprites/0002/b.png": png(2), "sprites/readme.txt": b"text"}
        source = opened(zipped(tmp_path / "my sprites.zip", members))
        assert source.name == "my-sprites"
        assert source.class_names == ("0001", "0002")
        assert [(item.name, item.label) for item in source.items] == [
            ("sprites/0001/a.png", 0),
            ("sprites/0002/b.png", 1),
        ]
        assert source.read(1).pixels[0, 0, 0] == 2
        assert source.skipped == [("*.txt", "not an image by its name (1 file)")]
        assert list(tmp_path.iterdir()) == [tmp_path / "my sprites.zip"]
        source.close()

    def test_names_in_a_zip_are_only_labels(self, tmp_path: Path) -> None:
        hostile = ["../../escape.png", "/etc/passwd.png", "C:\\windows\\x.png", "a\x1b[2Jb.png", "__MACOSX/._x.png"]
        source = opened(zipped(tmp_path / "z.zip", dict.fromkeys(hostile, png())))
        assert names(source) == ["C:/windows/x.png", "a\\x1b[2Jb.png", "escape.png", "etc/passwd.png"]
        assert source.read(2).pixels.shape == (3, 4, 1)
        assert [path.name for path in tmp_path.iterdir()] == ["z.zip"]
        source.close()

    def test_encrypted_linked_and_strangely_compressed_members_are_skipped_by_name(self, tmp_path: Path) -> None:
        path = tmp_path / "z.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("good.png", png())
            archive.writestr("secret.png", png())
            link = zipfile.ZipInfo("link.png")
            link.external_attr = 0o120777 << 16
            archive.writestr(link, "/etc/passwd")
            archive.writestr("odd.png", png(), compress_type=zipfile.ZIP_LZMA)
        content = bytearray(path.read_bytes())
        entry = content.rindex(b"PK\1\2", 0, content.rindex(b"secret.png"))
        content[entry + 8] |= 1
        path.write_bytes(content)
        source = opened(path)
        assert names(source) == ["good.png"]
        assert dict(source.skipped) == {
            "link.png": "a link, not followed",
            "odd.png": "compressed in an unusual way (method 14)",
            "secret.png": "encrypted",
        }
        source.close()

    def test_a_damaged_member_is_unreadable_and_a_damaged_zip_refused(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "z.zip", {"a.png": png(1), "b.png": png(2)})
        content = bytearray(path.read_bytes())
        content[45] ^= 255
        path.write_bytes(content)
        source = opened(path)
        with pytest.raises(Unreadable, match="damaged inside the zip"):
            source.read(0)
        assert source.read(1).pixels[0, 0, 0] == 2
        source.close()
        path.write_bytes(content[:-30])
        assert "not a zip that can be read" in refusal(path)

    def test_a_bomb_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = zipped(tmp_path / "z.zip", {f"{number}.png": bytes(2_000_000) for number in range(3)})
        monkeypatch.setattr("dcgan.data.archives.MAX_EXPANSION", 100)
        assert "look like a zip bomb" in refusal(path)
        monkeypatch.setattr("dcgan.data.archives.MAX_EXPANSION", 1100)
        monkeypatch.setattr("dcgan.data.archives.MAX_FILE_BYTES", 1_000_000)
        assert "expands to 2,000,000 bytes" in refusal(path)

    def test_several_threads_read_at_once(self, tmp_path: Path) -> None:
        source = opened(zipped(tmp_path / "z.zip", {f"{shade:03}.png": png(shade) for shade in range(200)}))
        with ThreadPoolExecutor(8) as pool:
            shades = list(pool.map(lambda index: int(source.read(index).pixels[0, 0, 0]), range(200)))
        assert shades == list(range(200))
        source.close()


def write_idx(path: Path, array: np.ndarray) -> Path:
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()) if path.suffix == ".gz" else header + array.tobytes())
    return path


class TestArrays:
    @pytest.mark.parametrize("ending", ["", ".gz"])
    def test_an_mnist_folder_is_one_data_set_with_its_official_test_split(self, tmp_path: Path, ending: str) -> None:
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

    def test_an_idx_that_promises_more_than_it_holds_is_refused_before_room_is_made(self, tmp_path: Path) -> None:
        header = struct.pack(">HBB3I", 0, 8, 3, 60_000, 65_535, 65_535)
        assert "more than the file can hold" in refusal(write(tmp_path / "a.idx", header + bytes(100)))
        cut = struct.pack(">HBB3I", 0, 8, 3, 10, 5, 5) + bytes(100)
        assert "cut off: 100 of 250 bytes" in refusal(write(tmp_path / "b.idx", cut))
        assert "not an IDX file" in refusal(write(tmp_path / "c.gz", gzip.compress(b"hello, world")))
        assert "damaged" in refusal(write(tmp_path / "d.gz", gzip.compress(header)[:15]))

    @pytest.mark.parametrize("dtype", [np.uint8, np.dtype("<u2"), np.dtype(">u2")])
    @pytest.mark.parametrize("shape", [(4, 6, 7), (4, 6, 7, 1), (4, 6, 7, 3), (4, 6, 7, 9)])
    def test_an_npy_keeps_its_numbers(self, tmp_path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> None:
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
            (np.zeros((32, 32, 3), dtype=np.uint8), "Expected: n x height x width"),
            (np.zeros((0, 32, 32), dtype=np.uint8), "Expected: n x height x width"),
            (np.zeros(5, dtype=np.uint8), "Expected: n x height x width"),
        ],
    )
    def test_an_array_that_does_not_fit_is_refused_with_the_way_out(
        self, tmp_path: Path, array: np.ndarray, message: str
    ) -> None:
        np.save(tmp_path / "a.npy", array)
        assert message in refusal(tmp_path / "a.npy")

    def test_a_header_larger_than_its_file_is_refused(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", noise(4, 6, 7))
        content = (tmp_path / "a.npy").read_bytes()
        (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 6, 7), } ", b"(9**9, 6, 7)}"))
        assert "not a NumPy array" in refusal(tmp_path / "a.npy")
        (tmp_path / "a.npy").write_bytes(content.replace(b"(4, 6, 7), }         ", b"(4444444444, 6, 7), }"))
        assert "cut off: 4444444444 x 6 x 7 uint8" in refusal(tmp_path / "a.npy")
        (tmp_path / "a.npy").write_bytes(content[:-1])
        assert "cut off" in refusal(tmp_path / "a.npy")

    def test_no_pickle_is_ever_opened(self, tmp_path: Path) -> None:
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

    def test_an_npz_has_splits_and_labels(self, tmp_path: Path) -> None:
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

    def test_an_npz_may_hold_one_array_and_its_labels(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "a.npz", noise(3, 6, 7))
        assert opened(tmp_path / "a.npz").class_names == ()
        np.savez(tmp_path / "b.npz", pictures=noise(3, 6, 7), labels=["dog", "cat", "dog"])
        source = opened(tmp_path / "b.npz")
        assert source.class_names == ("cat", "dog")
        assert [item.label for item in source.items] == [1, 0, 1]
        np.savez(tmp_path / "c.npz", pictures=noise(3, 6, 7), labels=[1, 2])
        assert "one number or name for each" in refusal(tmp_path / "c.npz")
        np.savez(tmp_path / "d.npz", a=noise(3, 6, 7), b=noise(3, 6, 7))
        assert "arrays a, b. Expected: x_train" in refusal(tmp_path / "d.npz")
        (tmp_path / "e.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:-20])
        assert "damaged" in refusal(tmp_path / "e.npz")

    def test_the_pages_of_a_tiff_are_images(self, tmp_path: Path) -> None:
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

    def test_a_tiff_stack_without_tifffile_names_the_extra(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tifffile.imwrite(tmp_path / "stack.tif", noise(4, 6, 7), photometric="minisblack")
        monkeypatch.setitem(__import__("sys").modules, "tifffile", None)
        assert "pip install 'dcgan[science]'" in refusal(tmp_path / "stack.tif")


def test_what_is_no_source_is_refused_with_what_would_be(tmp_path: Path) -> None:
    assert "no such file or folder, and no data set of that name. Did you mean mnist?" in refusal("mnsit")
    assert "not a file of many images" in refusal(write(tmp_path / "one.png"))
    assert "neither a folder nor a regular file" in refusal("/dev/null")
    assert "cannot be opened" in refusal("~nobody-of-this-name/images")


@needs_real_data
def test_the_real_sprites_decode_fast_enough_to_prepare_in_a_minute() -> None:
    source = opened(Path(os.environ["DCGAN_TEST_DATA"]) / "pokemon-sprites/pokemon.zip")
    assert (len(source.items), len(source.class_names)) == (28_296, 721)
    start, every = time.monotonic(), range(0, len(source.items), 20)
    with ThreadPoolExecutor(2) as pool:
        sizes = [decoded.pixels.shape[0] for decoded in pool.map(source.read, every)]
    assert (min(sizes), max(sizes)) == (30, 128)
    assert (time.monotonic() - start) / len(every) * len(source.items) < 30
    source.close()


@needs_real_data
def test_the_real_fashion_mnist_folder_is_recognised() -> None:
    source = opened(Path(os.environ["DCGAN_TEST_DATA"]) / "fashion-mnist")
    assert source.name == "fashion-mnist"
    assert sum(item.test for item in source.items) == 10_000
    assert np.bincount([item.label for item in source.items if item.label is not None]).tolist() == [7_000] * 10
