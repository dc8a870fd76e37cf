"""Make both notebooks from ``source.md``: the code once, the words in English and in Portuguese.

    python notebooks/make.py            write them without outputs
    python notebooks/make.py --run      execute the code in an empty folder (minutes), keep what it shows in both

In ``source.md`` a block between ``<!-- en -->``, ``<!-- pt -->`` and ``<!-- code -->`` marks is a cell: words in both
languages, or code for both.
"""

import argparse
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
NOTEBOOKS = {"en": HERE / "dcgan.ipynb", "pt": HERE / "dcgan.pt.ipynb"}
MARK = re.compile(r"^<!-- (en|pt|code) -->$", re.MULTILINE)


def blocks(text: str) -> list[tuple[str, str]]:
    """(kind, content) of every block of the source, in order."""
    parts = MARK.split(text)[1:]
    return [(kind, content.strip()) for kind, content in zip(parts[::2], parts[1::2], strict=True)]


def notebook(language: str) -> Any:
    """The notebook of one language, without outputs."""
    made = nbformat.v4.new_notebook()
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata["language_info"] = {"name": "python"}
    for kind, content in blocks((HERE / "source.md").read_text(encoding="utf-8")):
        if kind == "code":
            source = content.removeprefix("```python\n").removesuffix("\n```")
            made.cells.append(nbformat.v4.new_code_cell(source))
        elif kind == language:
            made.cells.append(nbformat.v4.new_markdown_cell(content))
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"  # else another one each time
    return made


def execute(made: Any, timeout: int = 1800) -> Any:
    """Run every cell in an empty folder, as a reader would."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DCGAN_CACHE", str(Path(folder) / "cache"))
        NotebookClient(made, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # times of day
    return made


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description="Make the notebooks.")
    parser.add_argument("--run", action="store_true", help="execute them, and keep their outputs")
    run = parser.parse_args().run
    made = {language: notebook(language) for language in NOTEBOOKS}
    if run:
        shown = [cell for cell in execute(made["en"]).cells if cell.cell_type == "code"]
        for other, cell in zip((each for each in made["pt"].cells if each.cell_type == "code"), shown, strict=True):
            other.outputs, other.execution_count = cell.outputs, cell.execution_count
    for language, path in NOTEBOOKS.items():
        nbformat.write(made[language], path)
        print(path)


if __name__ == "__main__":
    main()
