"""Only data/pixels.py turns bytes into -1 … 1 and back: known by its arithmetic, however it is written."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "dcgan"
KNOWING = ROOT / "data" / "pixels.py"
WHITES = {255, 65535, 127.5, 32767.5}
SCALES, SHIFTS = {"mul", "div", "mul_", "div_"}, {"add", "sub", "add_", "sub_"}


def conversions(source: str) -> list[int]:
    """The lines on which something is both scaled by the largest value of a pixel and moved by one."""
    tree = ast.parse(source)
    known = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and is_white(node.value, set())
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return sorted({node.lineno for node in ast.walk(tree) if isinstance(node, ast.expr) and converts(node, known)})


def is_white(node: ast.expr, known: set[str]) -> bool:
    """255, 65535, half of them, the maximum of an integer type, a name for one of these, or arithmetic with one."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return value in WHITES
        case ast.Name(id=name):
            return name in known
        case ast.Attribute(attr="max", value=ast.Call(func=ast.Attribute(attr="iinfo") | ast.Name(id="iinfo"))):
            return True
        case ast.Call(func=ast.Name(id="int" | "float"), args=[inner]):
            return is_white(inner, known)
        case ast.BinOp(op=ast.Mult() | ast.Div(), left=left, right=ast.Constant()):
            return is_white(left, known)
    return False


def parts(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """What an expression does to its operands, written with an operator or as a method: scale, shift or neither."""
    match node:
        case ast.BinOp(op=ast.Mult() | ast.Div(), left=left, right=right):
            return "scale", [left, right]
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=right):
            return "shift", [left, right]
        case ast.Call(func=ast.Attribute(attr=name, value=value), args=[other]) if name in SCALES | SHIFTS:
            return "scale" if name in SCALES else "shift", [value, other]
        case ast.Call(func=ast.Attribute(value=value)):  # .float(), .round(), …
            return "", [value]
    return "", []


def converts(node: ast.expr, known: set[str]) -> bool:
    """``(… white …) - 1``, or ``(x + 1) … white``."""
    kind, operands = parts(node)
    if kind == "shift" and any(is_one(operand) for operand in operands):
        return any(is_scaled(operand, known) for operand in operands)
    if kind == "scale" and any(is_white(operand, known) for operand in operands):
        return any(is_shifted(operand) for operand in operands)
    return False


def is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1


def is_scaled(node: ast.expr, known: set[str]) -> bool:
    kind, operands = parts(node)
    own = kind == "scale" and any(is_white(operand, known) for operand in operands)
    return (own and not is_white(node, known)) or (
        kind != "shift" and any(is_scaled(operand, known) for operand in operands)
    )


def is_shifted(node: ast.expr) -> bool:
    """By one; but ``1 - x`` is an inverted share."""
    kind, operands = parts(node)
    if kind == "shift":
        inverted = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and is_one(operands[0])
        return not inverted and any(is_one(operand) for operand in operands)
    return any(is_shifted(operand) for operand in operands)


def test_bytes_become_numbers_from_minus_one_to_one_in_one_file_alone() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted(ROOT.rglob("*.py"))
        if path != KNOWING and (lines := conversions(path.read_text()))
    }
    assert found == {}


def test_both_conversions_of_pixels_py_are_seen() -> None:
    assert len(conversions(KNOWING.read_text())) == 2


@pytest.mark.parametrize(
    "line",
    [
        "pixels / 127.5 - 1",
        "pixels / 255 * 2 - 1",
        "2 * (pixels / 255) - 1",
        "pixels.float().div(127.5).sub(1)",
        "(pixels / 255.0 * 2).float() - 1.0",
        "pixels / (torch.iinfo(pixels.dtype).max / 2) - 1",
        "pixels / white * 2 - 1",
        "(images + 1) * 127.5",
        "(images + 1) / 2 * 255",
        "((1 + images) * (white / 2)).round()",
        "images.add(1).mul(127.5)",
    ],
)
def test_a_conversion_is_seen_however_it_is_written(line: str) -> None:
    assert conversions(f"white = np.iinfo(dtype).max\n{line}") == [2]


@pytest.mark.parametrize(
    "line",
    ["pixels / 255", "(1 - share) * 255", "x * 255 / white", "(wide + 128) // 257", "len(x) - 1", "2**8 - 1"],
)
def test_other_arithmetic_with_bytes_is_let_pass(line: str) -> None:
    assert conversions(f"white = np.iinfo(dtype).max\n{line}") == []
