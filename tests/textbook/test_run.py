"""Chapters and notebooks run as they stand, and a reader's mistakes are told in words."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dcgan.textbook.__main__ import main
from dcgan.textbook.cells import read_cells
from dcgan.textbook.supply import MODULES, is_supplied

SMALL = Path(__file__).parent / "small_chapter.md"


def run(*words: Any) -> int:
    return main(["run", *(str(word) for word in words)])


@pytest.mark.promise("A chapter's cells run unchanged without d2l and torchvision, and each figure becomes a file.")
@pytest.mark.parametrize("tab", ["pytorch", "mxnet"])
def test_a_chapter_runs_as_it_stands(
    tab: str, classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(SMALL, "--tab", tab, "--epochs", 2, "--data", classes, "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    for library in ("d2l", "torchvision" if tab == "pytorch" else "mxnet"):
        if is_supplied(library):
            assert printed.count(f"{library} is not installed: dcgan.textbook supplies") == 1
    assert "(2, 3, 8, 8)" in printed.replace("torch.Size([2, 3, 8, 8])", "(2, 3, 8, 8)")
    assert "epochs 2, images 20" in printed
    figures = sorted((tmp_path / "out").glob("*.png"))
    assert [path.name for path in figures] == ["cell-03.png", "cell-06.png"]
    for path in figures:
        with Image.open(path) as picture:
            assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20


def test_a_notebook_runs_as_it_stands(classes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sources = [cell.source for cell in read_cells(SMALL, "pytorch")]
    sources[0] = "%matplotlib inline\n!pip install d2l\n" + sources[0]
    cells = [{"cell_type": "markdown", "source": ["words"]}]
    cells += [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    notebook = tmp_path / "chapter.ipynb"
    notebook.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    assert run(notebook, "--epochs", 1, "--data", classes, "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert printed.count("which only a notebook understands") == 2
    assert "epochs 1, images 20" in printed


def test_what_is_installed_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "d2l").mkdir()
    (tmp_path / "d2l" / "__init__.py").touch()
    (tmp_path / "d2l" / "torch.py").write_text("mine = 42\n")
    chapter = tmp_path / "chapter.md"
    chapter.write_text("```{.python .input}\nfrom d2l import torch as d2l\nd2l.mine\n```\n")
    command = [sys.executable, "-m", "dcgan.textbook", "run", str(chapter)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "cell 1 (line 2): 42\n", done.stderr
    assert done.returncode == 0


def test_every_supplied_module_can_be_imported() -> None:
    import importlib

    from dcgan.textbook.supply import supply_missing

    said: list[str] = []
    supply_missing(said.append)
    for name in MODULES:
        importlib.import_module(name)
    assert len(said) == len([name for name in ("d2l", "torchvision", "mxnet") if is_supplied(name)])


@pytest.mark.parametrize(
    ("text", "tab", "sources"),
    [
        ("```{.python .input}\na\n```", "pytorch", ["a"]),
        (
            "```{.python .input  n=3}\na\n```\n```{.python .input}\n#@tab pytorch\nb\n```",
            "pytorch",
            ["#@tab pytorch\nb"],
        ),
        ("```{.python .input}\na\n```\n```{.python .input}\n#@tab pytorch\nb\n```", "mxnet", ["a"]),
        ("```{.python .input}\n%%tab mxnet, pytorch\nb\n```", "pytorch", ["%%tab mxnet, pytorch\nb"]),
        ("```{.python .input}\n%%tab all\nb\n```", "mxnet", ["%%tab all\nb"]),
        ("~~~{python}\nb = '''\n```\n'''\n~~~", "pytorch", ["b = '''\n```\n'''"]),
        ("````\n```{.python .input}\nshown\n```\n````\n```{.python .input}\na\n```", "pytorch", ["a"]),
    ],
)
def test_the_cells_of_a_tab_are_found(text: str, tab: str, sources: list[str], tmp_path: Path) -> None:
    path = tmp_path / "chapter.md"
    path.write_text(text)
    assert [cell.source for cell in read_cells(path, tab)] == sources


def test_the_number_of_epochs_is_replaced_wherever_it_is_assigned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "chapter.md"
    path.write_text("```{.python .input}\nlatent, lr, num_epochs = 100, 0.005, 20\nlatent, lr, num_epochs\n```\n")
    assert run(path, "--epochs", 3) == 0
    assert "(100, 0.005, 3)" in capsys.readouterr().out
    assert run(path) == 0
    assert "(100, 0.005, 20)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.md", "only words", [], "no code cells"),
        ("a.md", "```{.python .input}\n#@tab mxnet\na\n```", [], "no code cells for the tab pytorch"),
        ("a.md", "```{.python .input}\na", [], "line 1: this fence is never closed"),
        ("a.ipynb", "{}", [], "not a notebook in Jupyter's format"),
        ("a.ipynb", "[", [], "not a notebook in Jupyter's format"),
        ("a.py", "a = 1", [], "expected a chapter as Markdown"),
        ("a.md", "```{.python .input}\n1\n```", ["--epochs", "0"], "--epochs 0: expected 1 or more"),
        ("a.md", "```{.python .input}\n1\n```", ["--data", "nowhere"], "--data nowhere: no such folder"),
        ("a.md", "```{.python .input}\n1\n```", ["--out", "a.md"], "--out a.md: is a file"),
    ],
)
def test_mistakes_are_told_in_one_line(
    name: str,
    content: str,
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)
    assert run(name, *options) != 0
    complaint = capsys.readouterr().err
    assert message in complaint
    assert complaint.count("\n") == 1


def test_a_missing_file_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("nowhere.md") == 10
    assert "nowhere.md: cannot be opened (No such file or directory)" in capsys.readouterr().err


def test_an_error_in_a_cell_shows_the_cells_own_lines_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chapter.md"
    path.write_text("words\n```{.python .input}\ndef f(x):\n    return 1 / x\nf(0)\n```\n")
    assert run(path) != 0
    complaint = capsys.readouterr().err
    assert "chapter.md, cell 1 (line 3)" in complaint
    assert "return 1 / x" in complaint
    assert "ZeroDivisionError: division by zero" in complaint
    assert "execution.py" not in complaint


def test_a_syntax_error_in_a_cell_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chapter.md"
    path.write_text("```{.python .input}\na = = 1\n```\n")
    assert run(path) != 0
    assert "SyntaxError" in capsys.readouterr().err
