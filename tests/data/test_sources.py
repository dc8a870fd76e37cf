"""open_source: whatever people call their images, counted, labelled, and never more than asked for."""

import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dcgan.data.decoding.decode import Unreadable
from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

needs_real_data = pytest.mark.skipif("DCGAN_TEST_DATA" not in os.environ, reason="DCGAN_TEST_DATA names no real data")


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

    @pytest.mark.promise("Links, pipes and hidden files among your images are listed and never opened.")
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

    @pytest.mark.promise(
        "The names inside a zip are only labels: nothing is unpacked, and nothing is written where they point."
    )
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

    def test_a_member_without_a_name_is_left_out(self, tmp_path: Path) -> None:
        path = zipped(tmp_path / "z.zip", {"a.png": png(), "x": b"text"})
        path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
        source = opened(path)
        assert names(source) == ["a.png"]
        source.close()

    def test_a_bomb_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = zipped(tmp_path / "z.zip", {f"{number}.png": bytes(2_000_000) for number in range(3)})
        monkeypatch.setattr("dcgan.data.sources.archives.MAX_EXPANSION", 100)
        assert "look like a zip bomb" in refusal(path)
        monkeypatch.setattr("dcgan.data.sources.archives.MAX_EXPANSION", 1100)
        monkeypatch.setattr("dcgan.data.sources.archives.MAX_FILE_BYTES", 1_000_000)
        assert "expands to 2,000,000 bytes" in refusal(path)

    def test_several_threads_read_at_once(self, tmp_path: Path) -> None:
        source = opened(zipped(tmp_path / "z.zip", {f"{shade:03}.png": png(shade) for shade in range(200)}))
        with ThreadPoolExecutor(8) as pool:
            shades = list(pool.map(lambda index: int(source.read(index).pixels[0, 0, 0]), range(200)))
        assert shades == list(range(200))
        source.close()


def test_what_is_no_source_is_refused_with_what_would_be(tmp_path: Path) -> None:
    assert "no such file or folder, and no data set of that name. Did you mean mnist?" in refusal("mnsit")
    assert "not a file of many images" in refusal(write(tmp_path / "one.png"))
    assert "neither a folder nor a regular file" in refusal("/dev/null")
    assert "cannot be opened" in refusal("~nobody-of-this-name/images")


@needs_real_data
def test_the_real_sprites_decode() -> None:
    source = opened(Path(os.environ["DCGAN_TEST_DATA"]) / "pokemon-sprites/pokemon.zip")
    assert (len(source.items), len(source.class_names)) == (28_296, 721)
    every = range(0, len(source.items), 20)
    with ThreadPoolExecutor(2) as pool:
        sizes = [decoded.pixels.shape[0] for decoded in pool.map(source.read, every)]
    assert (min(sizes), max(sizes)) == (30, 128)
    source.close()


@needs_real_data
def test_the_real_fashion_mnist_folder_is_recognised() -> None:
    source = opened(Path(os.environ["DCGAN_TEST_DATA"]) / "fashion-mnist")
    assert source.name == "fashion-mnist"
    assert sum(item.test for item in source.items) == 10_000
    assert np.bincount([item.label for item in source.items if item.label is not None]).tolist() == [7_000] * 10
