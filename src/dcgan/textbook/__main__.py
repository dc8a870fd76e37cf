"""``python -m dcgan.textbook run CHAPTER.md``: the chapter's own cells, unchanged."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dcgan.errors import ExitCode, UserError
from dcgan.textbook.cells import TABS, read_cells

_DESCRIPTION = """\
Run the code cells of the chapter as they stand, one after the other. Libraries that the cells import and this machine
lacks (d2l, torchvision, mxnet) are supplied, as far as the chapter uses them. Figures are written as PNG files."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the cells of one file; 0 when all went well."""
    options = _parser().parse_args(words)
    try:
        return _run(options)
    except UserError as error:
        print(f"dcgan.textbook: {error}", file=sys.stderr)
        return int(error.exit_code)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return int(ExitCode.INTERRUPTED)


def _run(options: argparse.Namespace) -> int:
    """Show what each cell prints, its last value, and where its figures are."""
    path = Path(options.file)
    cells = read_cells(path, options.tab)
    data = None if options.data is None else Path(options.data)
    if data is not None and not data.is_dir():
        raise UserError(f"--data {data}: no such folder. Expected one with a sub-folder of images for each class.")
    if options.epochs is not None and options.epochs < 1:
        raise UserError(f"--epochs {options.epochs}: expected 1 or more.")
    out = Path(options.out or f"{path.stem}-{options.tab}")
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file. Expected a folder for the figures.")
    import matplotlib as mpl

    from dcgan.textbook import hub
    from dcgan.textbook.execution import Notebook, figures
    from dcgan.textbook.supply import supply_missing

    mpl.use("Agg")
    supply_missing(print)
    hub.use_folder(data)
    notebook = Notebook(path.name, print, options.epochs)
    if options.epochs is not None:
        print(f"num_epochs is {options.epochs} (--epochs), whatever the cells say.")
    for cell in cells:
        value = notebook.run(cell)
        if value is not None:
            print(f"cell {cell.number} (line {cell.line}): {value!r}")
        for figure in figures(out, cell):
            print(f"cell {cell.number} (line {cell.line}): figure {figure}")
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dcgan.textbook", description=_DESCRIPTION)
    run = parser.add_subparsers(required=True).add_parser("run", description=_DESCRIPTION)
    run.add_argument("file", metavar="CHAPTER.md|NOTEBOOK.ipynb", help="The chapter as Markdown, or any notebook.")
    run.add_argument("--tab", choices=TABS, default=TABS[0], help="Which framework's cells to run. Default: pytorch.")
    run.add_argument("--epochs", type=int, metavar="N", help="Epochs to train. Default: as the cells say.")
    run.add_argument(
        "--data",
        metavar="FOLDER",
        help="Images to use, a sub-folder for each class. Default: the file that the cells name, which is downloaded.",
    )
    run.add_argument("--out", metavar="FOLDER", help="Where to write figures. Default: named after the file and tab.")
    return parser


if __name__ == "__main__":
    sys.exit(main())
