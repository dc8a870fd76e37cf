"""The code cells of a chapter, from the book's Markdown or from a notebook."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dcgan.errors import ExitCode, UserError
from dcgan.foreign import read_bytes, strict_json

TABS = ("pytorch", "mxnet")
_MOST_BYTES = 50_000_000
_FENCE = re.compile(r"^(`{3,}|~{3,})(.*)$")
_CELL = re.compile(r"^\{\s*(\.python\b.*\.input\b.*|python)\s*\}$")
_MARK = re.compile(r"^(?:#\s*@tab|%%tab)\s+(.*)$")


@dataclass(frozen=True)
class Cell:
    """One code cell as it stands in its file."""

    number: int
    """Counts the cells that are run, from 1."""
    line: int
    """Line of the file on which its code begins; in a notebook the number of the cell among all."""
    source: str


def read_cells(path: Path, tab: str) -> list[Cell]:
    """Return the code cells of a ``.md`` file that belong to a tab, or all those of an ``.ipynb`` file.

    Raises:
        UserError: No such file, not one of the two kinds, or no cells in it.
    """
    kinds = {".md": _of_markdown, ".ipynb": _of_notebook}
    if path.suffix.lower() not in kinds and path.suffix.lower() != ".txt":
        raise UserError(f"{path}: expected a chapter as Markdown (.md) or a notebook (.ipynb).")
    try:
        text = read_bytes(path, _MOST_BYTES).decode("utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8.", ExitCode.DATA) from error
    found = list(kinds.get(path.suffix.lower(), _of_markdown)(text, path))
    cells = _of_tab(found, tab)
    if not cells:
        which = f"for the tab {tab}" if found else "(a fence that begins with ```{.python .input})"
        raise UserError(f"{path}: no code cells {which}.", ExitCode.DATA)
    return cells


def _of_markdown(text: str, path: Path) -> Iterator[tuple[int, str]]:
    """Line and source of every code cell; fences of other kinds are text to be read."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        at += 1
        if opening is None:
            continue
        start, closing = at, re.compile(rf"^{opening[1][0]}{{{len(opening[1])},}}\s*$")
        while at < len(lines) and not closing.match(lines[at]):
            at += 1
        if at == len(lines):
            raise UserError(f"{path}, line {start}: this fence is never closed.", ExitCode.DATA)
        if _CELL.match(opening[2].strip()):
            yield start + 1, "\n".join(lines[start:at])
        at += 1


def _of_notebook(text: str, path: Path) -> Iterator[tuple[int, str]]:
    """Number and source of every code cell of a notebook in Jupyter's format."""
    try:
        cells = strict_json(text)["cells"]
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] == "code":
                source = cell["source"]
                yield number, source if isinstance(source, str) else "".join(source)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a notebook in Jupyter's format, version 4 ({error}).", ExitCode.DATA) from error


def _of_tab(found: list[tuple[int, str]], tab: str) -> list[Cell]:
    """The cells of one tab. Where any cell has a mark, those without belong to the book's first tab, mxnet."""
    marked = [(line, source, _tabs(source)) for line, source in found]
    default = {"mxnet"} if any(tabs for _, _, tabs in marked) else {"all"}
    chosen = [(line, source) for line, source, tabs in marked if (tabs or default) & {tab, "all"}]
    return [Cell(number, line, source) for number, (line, source) in enumerate(chosen, 1)]


def _tabs(source: str) -> set[str]:
    """The tabs that a cell's first lines name: ``#@tab pytorch``, or ``%%tab mxnet, pytorch`` in later editions."""
    for line in source.splitlines()[:3]:
        if mark := _MARK.match(line.strip()):
            return {name.strip() for name in mark[1].split(",")}
    return set()
