"""Parquet files of images: the hub's own notes, any block in any order, and no claim believed."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dcgan.data.sources.items import Source, Unreadable
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra [datasets]")
parquet_files = pytest.importorskip("pyarrow.parquet", reason="needs the extra [datasets]")


def png(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 3), shade).save(buffer, "PNG")
    return buffer.getvalue()


def written(path: Path, columns: dict[str, Any], notes: dict[str, Any] | None = None, **options: Any) -> Path:
    table = pyarrow.table(columns)
    if notes is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": notes}})})
    parquet_files.write_table(table, path, **options)
    return path


def images(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"bytes": png(start + shade), "path": None} for shade in range(count)]


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == ExitCode.DATA
    return str(caught.value)


def test_the_classes_have_the_names_that_the_hub_notes(tmp_path: Path) -> None:
    notes = {"img": {"_type": "Image"}, "fine": {"_type": "ClassLabel", "names": ["cat", "dog", "owl"]}}
    columns = {"thumb": [b"x"] * 4, "img": images(4), "fine": [2, 0, 2, 0], "caption": ["x"] * 4}
    source = opened(written(tmp_path / "pets.parquet", columns, notes))
    assert source.class_names == ("cat", "owl")
    assert [item.label for item in source.items] == [1, 0, 1, 0]
    assert (source.name, source.form) == ("pets", "Parquet")
    assert source.read(3).pixels[0, 0, 0] == 3
    source.close()


@pytest.mark.parametrize("column", [[png(0), png(1)], images(2)])
def test_plain_bytes_and_text_labels_are_read_without_notes(tmp_path: Path, column: list[Any]) -> None:
    source = opened(written(tmp_path / "x.parquet", {"photo": column, "label": ["b", "a"]}))
    assert source.class_names == ("a", "b")
    assert [source.read(index).pixels[0, 0, 0] for index in range(2)] == [0, 1]
    source.close()


def test_rows_come_right_in_any_order_and_from_many_threads(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", {"image": images(200)}, row_group_size=70)
    source = opened(path)
    order = np.random.default_rng(0).permutation(200).tolist()
    with ThreadPoolExecutor(4) as pool:
        shades = list(pool.map(lambda index: int(source.read(index).pixels[0, 0, 0]), order))
    assert shades == order
    source.close()


def test_a_folder_of_shards_is_one_set_with_its_splits(tmp_path: Path) -> None:
    written(tmp_path / "train-00000-of-00002.parquet", {"image": images(2), "label": [1, 0]})
    written(tmp_path / "train-00001-of-00002.parquet", {"image": images(1, 2), "label": [1]})
    written(tmp_path / "test-00000-of-00001.parquet", {"image": images(1, 3), "label": [7]})
    source = opened(tmp_path)
    assert source.form == "3 Parquet files"
    assert [item.test for item in source.items] == [True, False, False, False]
    assert source.class_names == ("0", "1", "7")
    assert [source.read(index).pixels[0, 0, 0] for index in range(4)] == [3, 0, 1, 2]
    source.close()


def test_a_row_without_bytes_is_a_bad_image(tmp_path: Path) -> None:
    rows = [{"bytes": None, "path": "/etc/passwd"}, {"bytes": png(1), "path": None}]
    source = opened(written(tmp_path / "x.parquet", {"image": rows}))
    with pytest.raises(Unreadable, match="no image bytes"):
        source.read(0)
    assert source.read(1).pixels[0, 0, 0] == 1
    source.close()


def test_a_table_without_images_says_what_it_has(tmp_path: Path) -> None:
    message = refusal(written(tmp_path / "x.parquet", {"text": ["a"], "image": ["photo.png"]}))
    assert "columns text, image, of which none holds the bytes of images" in message


def test_a_column_that_unpacks_beyond_reason_is_refused(tmp_path: Path) -> None:
    rows = {"image": [bytes(200_000_000)]}
    message = refusal(written(tmp_path / "x.parquet", rows, compression="zstd", use_dictionary=False))
    assert "column image claims 200,0" in message


def test_rows_that_cost_nothing_are_counted_before_they_are_listed(tmp_path: Path) -> None:
    message = refusal(written(tmp_path / "x.parquet", {"image": [b"x"] * 300_000}, compression="zstd"))
    assert "300,000 rows in " in message


def test_a_damaged_file_is_answered_by_a_sentence_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", {"image": images(50), "label": [1] * 50})
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for trial in range(60):
        mutant = bytearray(whole[: len(whole) - 40 * trial] if trial % 2 else whole)
        for place in generator.integers(4, len(mutant), 8):
            mutant[place] = generator.integers(256)
        path.write_bytes(mutant)
        try:
            source = opened(path)
        except UserError as error:
            assert str(path) in str(error)
            continue
        for index in range(0, len(source.items), 7):
            try:
                source.read(index)
            except Unreadable:
                continue
        source.close()
