"""The laws of the house that a machine can check: floors, sizes, who writes, who prints."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "dcgan"
FILES = sorted(ROOT.rglob("*.py"))
FLOORS = {
    "errors": 0, "tensors": 0, "settings": 0, "randomness": 0, "wording": 0, "notation": 0,
    "limits": 0, "foreign": 0, "pickles": 0,
    "files": 1, "hardware": 1,
    "data": 2, "models": 2,
    "runs": 3,
    "training": 4, "evaluation": 4, "exploration": 4, "export": 4, "reporting": 4,
    "commands": 5,
    "interfaces": 6,
    "textbook": 7,
    "__init__": 8, "__main__": 8,
}  # fmt: skip
COPIED = ROOT / "export" / "standalone.py"  # a program of its own: exports take it along as generator.py
GROUND = [
    "errors",
    "foreign",
    "pickles",
    "tensors",
    "wording",
    "notation",
    "settings",
    "randomness",
]  # each may import those before


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "dcgan":
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("dcgan.")}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    own = room(path)
    for other in imported_rooms(path) - {own}:
        allowed = FLOORS[other] < FLOORS[own]
        if own in GROUND and other in GROUND:
            allowed = GROUND.index(other) < GROUND.index(own)
        assert allowed, f"{own} (floor {FLOORS[own]}) imports {other} (floor {FLOORS[other]})"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found.append((name, node))
    return found


@pytest.mark.promise("One file of the program alone opens files for writing.")
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_files_py_opens_for_writing(path: Path) -> None:
    if path in (ROOT / "files.py", COPIED):
        return
    for name, call in calls(path):
        assert name not in ("write_bytes", "write_text", "open_memmap"), f"line {call.lineno}: {name}"
        if name == "open":
            texts = [leaf.value for leaf in ast.walk(call) if isinstance(leaf, ast.Constant)]
            modes = [text for text in texts if isinstance(text, str) and len(text) <= 3 and set(text) <= set("rwabx+t")]
            assert not any(set(mode) & set("wax+") for mode in modes), f"line {call.lineno}: opens for writing"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_interfaces_print(path: Path) -> None:
    if room(path) not in ("interfaces", "textbook") and path != COPIED:  # textbook has a command line of its own
        assert "print" not in [name for name, _ in calls(path)]


@pytest.mark.promise("No line of the program loads a pickle.")
def test_no_pickle_is_ever_loaded() -> None:
    for path in FILES:
        text = path.read_text()
        assert "import pickle" not in text.replace("import pickletools", "")  # which takes apart and never executes
        assert "torch.load" not in text.replace("safetensors.torch.load", "")
        assert "allow_pickle=True" not in text


@pytest.mark.promise("Help appears at once: torch is imported only by commands that need it.")
def test_the_command_line_does_not_import_torch_before_it_must() -> None:
    import subprocess
    import sys

    program = "import sys, dcgan, dcgan.interfaces.cli as cli; cli.main(['--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, capture_output=True).returncode == 0
