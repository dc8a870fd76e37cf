"""Which files of a folder or a zip are its images, and which classes they have."""

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.errors import UserError
from dcgan.settings.knobs import DataConfig


def write(path: Path, content: bytes | None = None, kind: str = "PNG") -> Path:
    """A file, or without ``content`` a small image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        Image.new("L", (4, 3)).save(path, kind)
    else:
        path.write_bytes(content)
    return path


def opened(path: Path, **options: object) -> Source:
    return open_source(DataConfig(source=str(path), **options))


def opened_as_folder_and_zip(path: Path) -> list[Source]:
    """Both must be read alike."""
    archive = path.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as members:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                members.write(file, str(file.relative_to(path)))
    return [opened(path), opened(archive)]


def names(source: Source) -> list[str]:
    return [item.name for item in source.items]


def labels(source: Source) -> list[int | None]:
    return [item.label for item in source.items]


def test_files_whose_names_tell_nothing_are_looked_into(tmp_path: Path) -> None:
    for name in ("d41d8cd9", "2024.07", "a.jpg?width=300"):
        write(tmp_path / "in" / name)
    write(tmp_path / "in/README", b"text")
    write(tmp_path / "in/notes.txt")
    for source in opened_as_folder_and_zip(tmp_path / "in"):
        assert names(source) == ["2024.07", "a.jpg?width=300", "d41d8cd9"]
        assert source.skipped == [
            ("files without an extension", "not images by their first bytes (1 file)"),
            ("*.txt", "not an image by its name (1 file)"),
        ]


def test_images_of_a_format_that_is_not_read_are_said_first_where_many_are_missing(tmp_path: Path) -> None:
    for number in range(30):
        write(tmp_path / f"in/{number}.HEIC", b"any")
        write(tmp_path / f"in/{number}.mov", b"any")
    write(tmp_path / "in/1.png")
    for source in opened_as_folder_and_zip(tmp_path / "in"):
        (remark,) = source.remarks
        assert remark.startswith("30 HEIC images are not read, 1 others are: convert them (heif-convert")
        assert ("*.mov", "not an image by its name (30 files)") in source.skipped
    (tmp_path / "in/1.png").unlink()
    with pytest.raises(UserError, match=r"no images in it\. 30 HEIC images are not read"):
        opened(tmp_path / "in")
    for number in range(11):
        write(tmp_path / f"many/{number}.png")
    write(tmp_path / "many/drawing.psd", b"any")
    (source,) = [opened(tmp_path / "many")]
    assert source.remarks == ()
    assert source.skipped == [("*.psd", "Photoshop, which is not read; export them as PNG (1 file)")]


class TestSplits:
    def test_train_val_and_test_folders_are_splits_and_test_is_held_out(self, tmp_path: Path) -> None:
        for name in ("Train/cat/1", "Train/dog/2", "valid/cat/3", "test/dog/4"):
            write(tmp_path / f"in/archive/{name}.png")
        for source in opened_as_folder_and_zip(tmp_path / "in"):
            assert source.class_names == ("cat", "dog")
            assert [(item.name, item.label, item.test) for item in source.items] == [
                ("archive/Train/cat/1.png", 0, False),
                ("archive/Train/dog/2.png", 1, False),
                ("archive/test/dog/4.png", 1, True),
                ("archive/valid/cat/3.png", 0, False),
            ]
            assert source.remarks == (
                "The folders Train, test, valid are splits, not classes: test is held out, the rest is trained on.",
            )

    def test_without_a_test_folder_the_one_for_validation_is_held_out(self, tmp_path: Path) -> None:
        write(tmp_path / "training/1.png")
        write(tmp_path / "validation/2.png")
        source = opened(tmp_path)
        assert source.class_names == ()
        assert [item.test for item in source.items] == [False, True]

    def test_a_class_that_is_called_like_a_split_is_a_class(self, tmp_path: Path) -> None:
        for name in ("train/1", "bus/2", "test/3"):
            write(tmp_path / f"in/{name}.png")
        assert opened(tmp_path / "in").class_names == ("bus", "test", "train")
        write(tmp_path / "only/train/a/1.png")
        write(tmp_path / "only/train/b/1.png")
        assert opened(tmp_path / "only").class_names == ("a", "b")


class TestLooseFiles:
    def test_classes_that_are_lost_by_files_beside_their_folders_are_said_to_be(self, tmp_path: Path) -> None:
        for name in ("cat/1", "dog/2", "3", "4"):
            write(tmp_path / f"in/{name}.png")
        for source in opened_as_folder_and_zip(tmp_path / "in"):
            assert source.class_names == ()
            assert source.remarks == ("No classes: 2 images lie outside of the folders (cat, dog), such as 3.png.",)
        with pytest.raises(UserError, match=r"--classes cat: no such class in in\. No classes: 2 images lie outside"):
            opened(tmp_path / "in", classes=("cat",))

    def test_images_without_folders_are_no_reason_for_words(self, tmp_path: Path) -> None:
        write(tmp_path / "1.png")
        assert opened(tmp_path).remarks == ()


class TestDatasetJson:
    def stylegan(self, folder: Path, labels: object) -> None:
        """What StyleGAN's tools write: images in numbered folders, and their labels in one file."""
        for number in range(12):
            write(folder / f"{number // 5:05d}/img{number:08d}.png")
        write(folder / "dataset.json", json.dumps({"labels": labels}).encode())

    def test_its_labels_are_the_classes(self, tmp_path: Path) -> None:
        given = [[f"{number // 5:05d}/img{number:08d}.png", 3 * (number % 4)] for number in range(12)]
        self.stylegan(tmp_path / "in", given)
        for source in opened_as_folder_and_zip(tmp_path / "in"):
            assert source.class_names == ("0", "3", "6", "9")
            assert labels(source) == [number % 4 for number in range(12)]
            assert source.skipped == []

    def test_labels_lie_relative_to_the_file(self, tmp_path: Path) -> None:
        self.stylegan(tmp_path / "in/faces", [[f"{n // 5:05d}/img{n:08d}.png", n % 2] for n in range(12)])
        assert opened(tmp_path / "in").class_names == ("0", "1")

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (None, "holds no class numbers"),
            ([["00000/img00000000.png", [0.5, 1]]], "holds no class numbers"),
            ([["00000/img00000000.png", 1]], "gives no label to 11 of 12 images"),
        ],
    )
    def test_numbered_folders_are_no_classes_whatever_it_says(self, tmp_path: Path, given: object, words: str) -> None:
        self.stylegan(tmp_path / "in", given)
        source = opened(tmp_path / "in")
        assert source.class_names == ()
        assert source.remarks == (f"dataset.json {words}: there are no classes.",)

    @pytest.mark.parametrize("content", [b"{}", b"[1]", b"\xff", b'{"licence": "CC0"}', b"[" * 100_000])
    def test_another_file_of_this_name_changes_nothing(self, tmp_path: Path, content: bytes) -> None:
        write(tmp_path / "cat/1.png")
        write(tmp_path / "dog/2.png")
        write(tmp_path / "dataset.json", content)
        source = opened(tmp_path)
        assert source.class_names == ("cat", "dog")
        assert source.skipped == [("*.json", "not an image by its name (1 file)")]
