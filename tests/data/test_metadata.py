"""Classes from tables beside images, from a ``dataset.json``, and from files of the same name."""

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.settings.knobs import DataConfig


def write(path: Path, content: str | None = None) -> None:
    """A file, or without ``content`` a small image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        Image.new("L", (4, 3)).save(path)
    else:
        path.write_text(content)


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def classes(source: Source) -> dict[str, str | None]:
    return {item.name: None if item.label is None else source.class_names[item.label] for item in source.items}


def test_metadata_csv_gives_the_classes_by_file_name(tmp_path: Path) -> None:
    write(tmp_path / "a/1.png")
    write(tmp_path / "a/2.png")
    write(tmp_path / "metadata.csv", "file_name,label,text\na/1.png,dog,x\na/2.png,cat,y\n")
    source = opened(tmp_path)
    assert classes(source) == {"a/1.png": "dog", "a/2.png": "cat"}
    assert source.class_names == ("cat", "dog")
    assert source.form == "folder with metadata.csv"
    assert source.skipped == []


def test_each_split_may_have_a_metadata_file_of_its_own(tmp_path: Path) -> None:
    for split, label in (("train", 9), ("test", 10)):
        write(tmp_path / split / "1.png")
        write(tmp_path / split / "metadata.jsonl", json.dumps({"file_name": "1.png", "label": label}) + "\n")
    source = opened(tmp_path)
    assert classes(source) == {"test/1.png": "10", "train/1.png": "9"}
    assert source.class_names == ("9", "10")
    assert [item.test for item in source.items] == [True, False]
    assert "are splits, not classes" in source.remarks[0]


def test_a_table_of_names_without_extensions_is_found_beside_the_folder_of_images(tmp_path: Path) -> None:
    write(tmp_path / "train/f00.png")
    write(tmp_path / "train/f01.png")
    write(tmp_path / "labels.csv", "id,breed,label\nf00,x,pug\nf01,y,poodle\n")
    assert classes(opened(tmp_path)) == {"train/f00.png": "pug", "train/f01.png": "poodle"}


def test_a_zip_is_read_with_its_table(tmp_path: Path) -> None:
    write(tmp_path / "1.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(tmp_path / "1.png", "set/1.png")
        archive.writestr("set/metadata.csv", "\ufefffile_name,label\n./1.png,7\n")
    source = opened(tmp_path / "set.zip")
    assert classes(source) == {"set/1.png": "7"}
    assert source.form == "zip with metadata.csv"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("file_name,text\n1.png,a cat\n", "has no column label (it has file_name, text)"),
        ("name,label\n1.png,3\n", "has no column file_name (it has name, label)"),
        ("file_name,label\n1.png,1\n1.png,2\n", "gives two labels to 1.png"),
        ('file_name,label\n"1.png,1\n', "could not be read as a table"),
        ("file_name,label\n1.png,\x00\n", "gives no label to 1 of 2 images"),
        ("file_name,label\n1.png,5\n", "gives no label to 1 of 2 images: there are no classes."),
    ],
)
def test_a_table_that_tells_no_classes_is_said_to(tmp_path: Path, table: str, words: str) -> None:
    write(tmp_path / "1.png")
    write(tmp_path / "2.png")
    write(tmp_path / "metadata.csv", table)
    source = opened(tmp_path)
    assert set(classes(source).values()) == {None} or "\0" in table
    assert any(words in remark for remark in source.remarks) or "\0" in table


def test_a_table_of_something_else_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "cat/1.png")
    write(tmp_path / "dog/2.png")
    write(tmp_path / "train.csv", "x,y\n1,2\n")
    write(tmp_path / "labels.csv", "file_name,label\nother.png,3\n")
    source = opened(tmp_path)
    assert source.class_names == ("cat", "dog")
    assert source.form == ""


def test_one_hot_vectors_of_a_dataset_json_are_class_numbers(tmp_path: Path) -> None:
    write(tmp_path / "00000/a.png")
    write(tmp_path / "00000/b.png")
    labels = [["00000/a.png", [0, 0, 1]], ["00000/b.png", [1, 0, 0]]]
    write(tmp_path / "dataset.json", json.dumps({"labels": labels}))
    source = opened(tmp_path)
    assert classes(source) == {"00000/a.png": "2", "00000/b.png": "0"}
    assert source.form == "folder with StyleGAN's dataset.json"
    write(tmp_path / "dataset.json", json.dumps({"labels": [["00000/a.png", [0, 1, 1]], ["00000/b.png", [0, 0, 0]]]}))
    assert opened(tmp_path).class_names == ()
