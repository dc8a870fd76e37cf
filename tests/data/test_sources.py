"""open_source: whatever people call their images, counted, labelled, and never more than asked for."""

import io
import os
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

    @pytest.mark.promise(
        "Links, pipes and hidden files among your images are listed; links are followed on request alone, the others "
        "never opened."
    )
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
        assert source.remarks == (
            "3 links are not followed (link.png, loop, root): what they lead to is missing. "
            "--set data.links=follow reads it.",
        )

    def test_links_are_followed_on_request_and_no_folder_twice(self, tmp_path: Path) -> None:
        write(tmp_path / "store/1.png", png(1))
        write(tmp_path / "store/2.png", png(2))
        folder = tmp_path / "images"
        write(folder / "dog/3.png", png(3))
        (folder / "cat").symlink_to(tmp_path / "store")
        (folder / "again").symlink_to(folder / "dog")
        (folder / "dog/loop").symlink_to(folder)
        (folder / "dog/4.png").symlink_to(tmp_path / "store/2.png")
        (folder / "dog/5.png").symlink_to("/dev/zero")
        (folder / "dog/6.png").symlink_to(tmp_path / "nothing")
        source = opened(folder, links="follow")
        assert names(source) == ["cat/1.png", "cat/2.png", "dog/3.png", "dog/4.png"]
        assert source.class_names == ("cat", "dog")
        assert [source.read(index).pixels[0, 0, 0] for index in range(4)] == [1, 2, 3, 2]
        assert dict(source.skipped) == {
            "again": "leads to a folder that is read already",
            "dog/5.png": "not a regular file",
            "dog/6.png": "a link to nothing",
            "dog/loop": "leads to a folder that is read already",
        }
        assert source.remarks == ()

    def test_links_that_branch_again_and_again_end(self, tmp_path: Path) -> None:
        for level in range(40):
            (tmp_path / str(level)).mkdir()
            for name in "ab":
                (tmp_path / str(level) / name).symlink_to(f"../{level + 1}")
        write(tmp_path / "40/1.png")
        assert len(opened(tmp_path, links="follow").items) == 1

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


@pytest.mark.parametrize("address", ["https://example.org/sprites.zip", "hf://datasets/a/b", "git@example.org:a.git"])
def test_an_address_is_refused_with_what_to_do(address: str) -> None:
    assert f"{address}: an address, and nothing is fetched from addresses. Download it first" in refusal(address)


def test_a_misspelt_path_is_answered_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert f"Did you mean {tmp_path}/photos?" in refusal(tmp_path / "fotos")


def test_a_folder_named_like_a_data_set_is_said_to_be_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "critters/1.png")
    source = open_source(DataConfig(source="critters", height=16, width=16))
    assert source.name == "critters"
    assert len(source.items) == 8_000
    assert source.remarks == ("critters is the data set of that name. To use the folder critters, say ./critters.",)
    assert names(open_source(DataConfig(source="./critters"))) == ["1.png"]
    write(tmp_path / "critters/config.toml", b"")
    write(tmp_path / "critters/about.json", b"{}")
    assert open_source(DataConfig(source="critters", height=16, width=16)).remarks == ()


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
