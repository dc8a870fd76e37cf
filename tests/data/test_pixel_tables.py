"""CSVs whose columns are pixels: every common layout, and a sentence for what is none."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dcgan.data.sources.items import Source
from dcgan.data.sources.open import open_source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 25), dtype=np.uint8)
LABELS = [3, 1, 3, 1, 2]


def written(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([*([header] if header else []), *rows]) + "\n")
    return path


def opened(path: Path) -> Source:
    return open_source(DataConfig(source=str(path)))


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        opened(path)
    assert caught.value.exit_code == ExitCode.DATA
    return str(caught.value)


def row(pixels: np.ndarray, separator: str = ",") -> str:
    return separator.join(map(str, pixels.reshape(-1).tolist()))


NAMES = ",".join(f"pixel{number}" for number in range(25))
LAYOUTS = {
    "label first": (f"label,{NAMES}", [f"{label},{row(image)}" for label, image in zip(LABELS, PIXELS, strict=True)]),
    "no header": ("", [f"{label},{row(image)}" for label, image in zip(LABELS, PIXELS, strict=True)]),
    "label last": (f"{NAMES},label", [f"{row(image)},{label}" for label, image in zip(LABELS, PIXELS, strict=True)]),
    "id and label": (
        f"id,label,{NAMES}",
        [f"x{label},{label},{row(image)}" for label, image in zip(LABELS, PIXELS, strict=True)],
    ),
    "one column": (
        "emotion,pixels",
        [f'{label},"{row(image, " ")}"' for label, image in zip(LABELS, PIXELS, strict=True)],
    ),
    "floats": (
        f"label,{NAMES}",
        [f"{label},{row(image.astype(float))}" for label, image in zip(LABELS, PIXELS, strict=True)],
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_images_and_labels(tmp_path: Path, layout: str) -> None:
    source = opened(written(tmp_path / "digits.csv", *LAYOUTS[layout]))
    assert source.form == "CSV of pixels"
    assert source.class_names == ("1", "2", "3")
    assert [source.class_names[item.label or 0] for item in source.items] == [str(label) for label in LABELS]
    for index, image in enumerate(PIXELS):
        assert np.array_equal(source.read(index).pixels[:, :, 0], image.reshape(5, 5))


def test_a_square_number_of_columns_is_all_pixels(tmp_path: Path) -> None:
    source = opened(written(tmp_path / "x.csv", "", [row(image) for image in PIXELS]))
    assert source.class_names == ()
    assert source.read(0).mode == "L"


def test_three_numbers_a_pixel_are_red_green_and_blue(tmp_path: Path) -> None:
    image = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
    decoded = opened(written(tmp_path / "x.csv", "", [row(image), row(image + 1)])).read(1)
    assert decoded.mode == "RGB"
    assert np.array_equal(decoded.pixels, image + 1)


def test_the_table_called_test_beside_one_called_train_is_the_test_split(tmp_path: Path) -> None:
    header, rows = LAYOUTS["label first"]
    written(tmp_path / "fashion_test.csv", header, rows[:2])
    source = opened(written(tmp_path / "fashion_train.csv", header, rows))
    assert [item.test for item in source.items] == [False] * 5 + [True] * 2
    written(tmp_path / "fashion_test.csv", NAMES, [line.partition(",")[2] for line in rows])  # no labels: to submit
    assert len(opened(tmp_path / "fashion_train.csv").items) == 5


def test_a_column_of_uses_divides_the_table(tmp_path: Path) -> None:
    uses = ["Training", "PublicTest", "Training", "PrivateTest", "Training"]
    rows = [f"{label},{row(image, ' ')},{use}" for label, image, use in zip(LABELS, PIXELS, uses, strict=True)]
    source = opened(written(tmp_path / "fer.csv", "emotion,pixels,Usage", rows))
    assert [item.test for item in source.items] == [False] * 3 + [True] * 2
    assert np.array_equal(source.read(3).pixels[:, :, 0].reshape(-1), PIXELS[1])


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        (f"label,{NAMES}", [f"1,{row(PIXELS[0])}", "1,2,3"], "row 2 has 2 pixels, the others 25"),
        (f"label,{NAMES}", [f"1,{row(PIXELS[0])},9"], "row 1 has 26 pixels, the others 25"),
        (f"label,{NAMES}", [f"1,{row(PIXELS[0] * 0.5)}x"], "not a table of numbers"),
        (f"label,{NAMES}", ["1," + ",".join(["0.5"] * 25)], "values from 0.5 to 0.5. Expected: whole numbers"),
        (f"label,{NAMES}", ["1," + ",".join(["256"] * 25)], "values from 256 to 256"),
        (f"label,{NAMES}", ["1," + ",".join(["-1"] * 25)], "values from -1 to -1"),
        (f"label,{NAMES}", ["1," + ",".join(["nan"] * 25)], "values from nan to nan"),
        ("label,a,b,c", ["1,2,3,4"], "3 pixels in a row are neither a grey nor a colour square"),
        ("id,label", ["x,1"], "columns id, label"),
        ("id,breed,text", ["x,1,a"], "pixels in a row are neither"),
        (f"label,{NAMES}", [], "no rows"),
    ],
)
def test_what_is_no_table_of_pixels_is_answered_by_a_sentence(
    tmp_path: Path, header: str, rows: list[str], words: str
) -> None:
    message = refusal(written(tmp_path / "x.csv", header, rows))
    assert words in message
    assert "Expected" in message


def test_one_endless_line_takes_little_memory(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"1," * 20_000_000)
    tracemalloc.start()
    assert "a line of over 4,000,000 bytes" in refusal(tmp_path / "x.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00label")
    assert "not a text" in refusal(tmp_path / "x.csv")
