"""The documentation is executed and compared with the program: what it shows is what happens."""

import contextlib
import io
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dcgan.data.sources.catalog import ENTRIES
from dcgan.errors import ExitCode
from dcgan.settings.config import Config, flatten
from dcgan.settings.recipes import RECIPES, recipe
from dcgan.settings.rules import RULES, Facts, settings_of_rules

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "build" for part in path.relative_to(ROOT).parts)
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def steps(page: Path) -> Iterator[tuple[int, str, str, str | None]]:
    """(line, language, program, what it must print or None) of each ``python`` and ``sh`` block, in order."""
    text = page.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] not in ("python", "sh"):
            continue
        expected = None
        if following and following[1] == "text" and not text[block.end() : following.start()].strip():
            expected = following[2]
        yield text.count("\n", 0, block.start()) + 1, block[1], block[2], expected


def run_python(program: str, names: dict[str, Any], where: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, where, "exec"), names)
    return printed.getvalue()


def run_shell(program: str, folder: Path, where: str) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "PYTHONUTF8": "1",
    }
    ran = subprocess.run(
        ["bash", "-e", "-c", program], check=False, cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )
    assert ran.returncode == 0, f"{where}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def test_the_tutorial_does_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "tutorial.md"
    names: dict[str, Any] = {"__name__": "tutorial"}
    found = list(steps(page))
    assert {language for _, language, _, _ in found} == {"python", "sh"}
    for line, language, program, expected in found:
        where = f"{page.name}, line {line}"
        printed = run_python(program, names, where) if language == "python" else run_shell(program, tmp_path, where)
        if expected is not None:
            assert printed == expected, where
    for promised in ("creatures.png", "leaky_relu.png", "chapter/report.html", "new/sheet.png", "cats/sheet.png"):
        assert (tmp_path / promised).is_file(), promised
    assert list(tmp_path.glob("chapter/samples/fresh-*.png"))
    assert list(tmp_path.glob("chapter/samples/images-*.png"))


def recipe_table() -> str:
    """Every setting that any recipe changes, and what it is in each."""
    known = [key for key, _ in flatten(Config())]
    changed = {key for changes in RECIPES.values() for key in changes} - {"undecided"} | set(settings_of_rules())
    configs = [dict(flatten(recipe(name))) for name in RECIPES]
    rows = [["setting", *(f"`{name}`" for name in RECIPES)]]
    for key in sorted(changed, key=known.index):
        rows.append([f"`{key}`", *("by rule" if key in one["undecided"] else word(one[key]) for one in configs)])
    return markdown(rows)


def rule_table() -> str:
    """The rules of ``modern``, the later ones over the earlier ones."""
    rows = [["for runs with", "settings", "because", "measured under"]]
    for rule in RULES:
        kind = ", ".join(f"`{name}` {span(wanted)}" for name, wanted in rule.when.items())
        settings = ", ".join(f"`{key}={word(value)}`" for key, value in rule.settings.items())
        anchor = re.sub(r"[^\w -]", "", rule.experiment.lower()).replace(" ", "-")
        reason = re.sub(r"{facts\.\w+:?[^}]*}", "so many", rule.reason)
        rows.append(
            [
                kind or "anything",
                settings,
                reason,
                f"[{rule.experiment}](experiments/{page_of(rule.experiment)}#{anchor})",
            ]
        )
    return markdown(rows)


def page_of(experiment: str) -> str:
    """The page of docs/experiments that has a section of this name; empty without one."""
    for path in (ROOT / "docs" / "experiments").glob("*.md"):
        if f"# {experiment}\n" in path.read_text(encoding="utf-8"):
            return path.name
    return ""


def word(value: object) -> str:
    return ",".join(value) or "none" if isinstance(value, tuple) else str(value).lower()


def span(wanted: tuple[float, float] | str) -> str:
    if isinstance(wanted, str):
        return wanted
    low, high = (f"{end:,.7g}" for end in wanted)
    return f"from {low}" if wanted[1] == math.inf else f"below {high}" if not wanted[0] else f"from {low} to {high}"


def markdown(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [rows[0], ["---"] * len(rows[0]), *rows[1:]])


@pytest.mark.parametrize("table", [recipe_table, rule_table])
def test_the_tables_of_recipes_and_rules_are_those_of_the_program(table: Callable[[], str]) -> None:
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert table() in text, f"docs/recipes.md needs this table:\n{table()}"


def test_every_rule_is_about_facts_and_settings_that_there_are_and_has_its_experiment() -> None:
    shape, classes = (
        {"height": 64, "width": 64, "channels": 3},
        {"num_classes": 0, "class_sizes": (0, 0), "class_share": 0.0},
    )
    facts = Facts(**shape, **classes, num_images=1, device="cpu", reach=1.0)
    for rule in RULES:
        assert all(hasattr(facts, name) for name in rule.when), rule
        assert rule.reason.format(facts=facts) and not rule.reason.endswith("."), rule
        assert page_of(rule.experiment), f"docs/experiments has nothing under: {rule.experiment}"
        Config().asked(rule.settings)


def test_every_file_of_the_program_is_on_the_map_and_no_other() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = re.search(r"^```text\nsrc/dcgan/\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert tree
    folders, shown = [""] * 4, []
    for depth, name in re.findall(r"^((?:  )+)([\w.]+/?)", tree[1], re.MULTILINE):
        inside = folders[len(depth) // 2 - 1]
        if name.endswith("/"):
            folders[len(depth) // 2] = inside + name
        else:
            shown.append(inside + name)
    source = ROOT / "src" / "dcgan"
    there = {str(path.relative_to(source)) for path in source.rglob("*.*") if path.suffix in (".py", ".css", ".js")}
    there = {name for name in there if not name.endswith("/__init__.py")}
    assert sorted(shown) == sorted(there)


def anchors(page: Path) -> set[str]:
    """What a link may name within a page: its headings as GitHub spells them, numbered where they come again."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        plain = re.sub(r"[^\w -]", "", words).replace(" ", "-")
        found.append(plain if plain not in found else f"{plain}-{found.count(plain)}")
    return {*found, *re.findall(r'<a (?:id|name)="([^"]+)"', text)}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_into_a_page_name_one_of_its_headings(page: Path) -> None:
    targets = [target.partition("#") for target in LINK.findall(page.read_text(encoding="utf-8"))]
    inside = [(page.parent / name if name else page, anchor) for name, _, anchor in targets if ":" not in name]
    asked = [(place, anchor) for place, anchor in inside if anchor and place.suffix == ".md"]
    assert [(place.name, anchor) for place, anchor in asked if anchor not in anchors(place)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "experiments"], ids=page_id)
def test_a_page_of_experiments_begins_with_its_decision_evidence_and_command(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    begins = [line.partition(":**")[0] for line in lines[2:5]]
    assert begins == ["- **Decision", "- **Evidence", "- **Command"] or page.name == "README.md"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = [target.partition("#")[0] for target in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [target for target in targets if target and not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_page_names_a_place_on_somebodys_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [place for place in ("/home/", "/root/", "/tmp/", "/work/", "/Users/") if place in text] == []


def test_every_exit_code_is_explained() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert [code.name for code in ExitCode if f"| {code.value} | {code.name} | " not in text] == []


def test_every_named_data_set_is_described_with_its_licence_and_address() -> None:
    rows = [line for line in (ROOT / "docs" / "data.md").read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    for name, entry in ENTRIES.items():
        (row,) = [row for row in rows if row.startswith(f"| `{name}` | ")]
        assert f" | {entry.licence} | " in row
        address = entry.downloads[0].address
        assert name == "stacked-mnist" or address in row or address.rpartition("/")[0] in row, address
    assert any(row.startswith("| `critters` | ") for row in rows)
