"""Run cells one after the other as a notebook would, in one space of names."""

import ast
import linecache
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from dcgan.errors import UserError
from dcgan.textbook.cells import Cell

Say = Callable[[str], object]


class CellError(UserError):
    """A cell raised an exception; the message shows where."""


@dataclass
class Notebook:
    """The names that cells have defined so far, and what is changed in the cells to come."""

    title: str
    """Name of the file, for tracebacks."""
    say: Say
    num_epochs: int | None = None
    """Replaces what cells assign to ``num_epochs``; None: as they say."""
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})

    def run(self, cell: Cell) -> Any:
        """Run one cell and return the value of its last line if that is an expression, else None.

        Raises:
            CellError: The cell did.
            UserError: A name that the chapter does not use, no network …
        """
        where = f"{self.title}, cell {cell.number} (line {cell.line})"
        source = self._without_magics(cell, where)
        linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)  # for tracebacks
        try:
            body, last = _compiled(source, where, self.num_epochs)
            exec(body, self.names)
            return None if last is None else eval(last, self.names)
        except (UserError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise CellError(f"{where}:\n{_traceback(error, where)}") from error

    def _without_magics(self, cell: Cell, where: str) -> str:
        """Blank the lines that only a notebook understands; marks of a tab are no loss."""
        lines = cell.source.splitlines()
        for number, line in enumerate(lines):
            if line.startswith(("%", "!")):
                lines[number] = ""
                if not line.startswith("%%tab"):
                    self.say(f"{where}: left out {line!r:.80}, which only a notebook understands.")
        return "\n".join(lines) + "\n"


def figures(folder: Path, cell: Cell) -> Iterator[Path]:
    """Write every open figure as PNG, close it, and yield its path."""
    import io

    import matplotlib.pyplot as plt

    from dcgan.files import write_atomically

    for count, number in enumerate(plt.get_fignums(), 1):
        buffer = io.BytesIO()
        plt.figure(number).savefig(buffer, format="png", dpi=150, bbox_inches="tight")
        path = folder / (f"cell-{cell.number:02}.png" if count == 1 else f"cell-{cell.number:02}-{count}.png")
        write_atomically(path, buffer.getvalue())
        yield path
    plt.close("all")


def _compiled(source: str, where: str, num_epochs: int | None) -> tuple[CodeType, CodeType | None]:
    """All of a cell but its last expression, and that expression."""
    tree = ast.parse(source, where)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = compile(ast.Expression(tree.body.pop().value), where, "eval")  # type: ignore[attr-defined]
    if num_epochs is not None:
        tree.body = [each for statement in tree.body for each in _with_epochs(statement, num_epochs)]
    return compile(tree, where, "exec"), last


def _with_epochs(statement: ast.stmt, num_epochs: int) -> list[ast.stmt]:
    """The statement, and after one that assigns to ``num_epochs`` another that assigns the wanted number."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    return [statement, *ast.parse(f"num_epochs = {num_epochs}").body] if "num_epochs" in names else [statement]


def _traceback(error: Exception, where: str) -> str:
    """The traceback from the cell on, without the lines that brought it there."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [index for index, frame in enumerate(frames) if frame.filename == where]
    shown = traceback.format_list(frames[inside[0] :]) if inside else []
    return "".join([*shown, *traceback.format_exception_only(error)]).rstrip()
