"""Both notebooks come from one source, run top to bottom, and show what they promise."""

import base64
import importlib.util
import io
import itertools
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_notebooks", ROOT / "notebooks" / "make.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def cut(source: str) -> str:
    """The same with next to no training."""
    source = re.sub(r'budget="\w+"', 'budget="64"', source)
    return source.replace("range(1, 21)", "range(1, 3)").replace("range(1000)", "range(80)")


def pictures(cell: Any) -> list[Image.Image]:
    found = [output["data"]["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    return [Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB") for each in found]


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_committed_notebook_is_what_its_source_makes(maker: ModuleType, language: str) -> None:
    committed = nbformat.read(maker.NOTEBOOKS[language], as_version=4)
    made = maker.notebook(language)
    assert [(cell.cell_type, cell.source) for cell in committed.cells] == [
        (cell.cell_type, cell.source) for cell in made.cells
    ], "python notebooks/make.py writes it anew"


def test_both_languages_say_as_much(maker: ModuleType) -> None:
    kinds = [kind for kind, _ in maker.blocks((ROOT / "notebooks" / "source.md").read_text(encoding="utf-8"))]
    assert kinds.count("en") == kinds.count("pt") >= 8
    for before, after in itertools.pairwise(kinds):
        assert (before == "en") == (after == "pt"), "English words are followed by the same in Portuguese"


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_notebook_runs_from_top_to_bottom(
    maker: ModuleType, language: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    made = maker.notebook(language)
    if language == "pt":  # the code is the same, as above: here only that its words do not get in its way
        made.cells = made.cells[:4]
    for cell in made.cells:
        cell.source = cut(cell.source)
    maker.execute(made)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    (grid,) = pictures(code[1])
    assert grid.size == (10 * 32 + 18, 4 * 32 + 6)
    if language == "pt":
        return
    shown = [size for cell in code for size in (picture.size for picture in pictures(cell))]
    assert len(shown) >= 7
    words = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    assert "32 4 8" in words
    assert "3576704 weights" in words
    assert "pixels without any" in words
    assert "creatures.html" in words
