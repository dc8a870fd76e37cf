"""The chapter's second exercise: what it says of hand-made numbers, and that it runs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.commands.categories import Category, Cause, _reasons, _verdict
from dcgan.data.sources.critters import draw
from dcgan.interfaces.cli import main

NAMES = ["bag", "shirt", "boot"]


def category(name: str, *shares: float) -> Category:
    return Category(name, dict(enumerate(shares)), {0: 0.5}, {0: 1.0})


def test_best_and_worst_are_named_with_the_seeds_that_bear_them_out() -> None:
    found = [category("bag", 0.1, 0.2, 0.9), category("boot", 0.3, 0.3, 0.3), category("shirt", 0.5, 0.6, 0.7)]
    assert _verdict(found) == ["Best: bag, 0.2. Worst: shirt, 0.6.", "bag is nearer than shirt with 2 of 3 seeds."]
    assert _verdict([category("bag", 0.1), category("shirt", 0.5)])[1].startswith("That is too few seeds")


def test_an_explanation_is_borne_out_where_the_order_is_the_same_and_contradicted_where_it_is_turned_round() -> None:
    names = [f"kind {number}" for number in range(8)]
    found = [category(name, 0.1 * number) for number, name in enumerate(names)]
    right = torch.linspace(0.2, 0.9, 8)  # the worst are recognised most often
    seen = torch.diag(right)
    seen[7, 3] = 0.1
    lines = _reasons(found, names, Cause(tuple(range(8)), seen, seen))
    asked = "Of images asked to be kind 7, 90% are recognised, and 10% are taken for kind 3"
    assert lines[0] == f"{asked}; of real ones it is 90% and 10%."
    assert lines[1].endswith("differ from each other: borne out (rank correlation 1.00, by chance ±0.74).")
    assert lines[2].endswith("taken for others: contradicted (rank correlation -1.00, by chance ±0.74).")


def test_the_exercise_writes_a_row_for_each_category(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = np.stack([draw(index, 16, 16)[..., :3] for index in range(1000)])
    np.savez(tmp_path / "kinds.npz", x_train=pictures, y_train=np.arange(1000) % 2)
    options = ["--data", str(tmp_path / "kinds.npz"), "--size", "16", "--width", "4", "--budget", "512"]
    more = ["--repeats", "1", "--samples", "100", "--threads", "1", "--out", str(tmp_path / "out")]
    assert main(["exercise", "2", *options, *more]) == 0
    said = capsys.readouterr().out
    for words in ("Categories, best first", "Best: ", "too few seeds", "are recognised", "rank correlation"):
        assert words in said
    with Image.open(tmp_path / "out" / "categories.png") as sheet:
        assert sheet.height > 2 * 64 and sheet.width > 16 * 64


def test_images_without_categories_are_no_answer(critters_npy: Path, tmp_path: Path) -> None:
    options = ["--data", str(critters_npy), "--size", "16", "--width", "4", "--budget", "64", "--repeats", "1"]
    assert main(["exercise", "2", *options, "--samples", "100", "--out", str(tmp_path / "out")]) != 0
