"""docs/promises.md says what the marked tests prove, and nothing else."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_promises", ROOT / "docs" / "make_promises.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_is_what_the_marked_tests_promise(generator: ModuleType, request: pytest.FixtureRequest) -> None:
    everywhere = set((ROOT / "tests").rglob("test_*.py"))
    chosen = request.config.option.keyword or request.config.option.markexpr != "not long"  # as pyproject.toml has it
    if chosen or not everywhere <= {item.path for item in request.session.items}:
        pytest.skip("only a part of the tests was collected, and the page is about all of them")
    promised = generator.promises_of(request.session.items)
    assert generator.PAGE.read_text(encoding="utf-8") == generator.page(promised, generator.results()), (
        "make docs writes it anew"
    )


def test_a_promise_is_one_sentence(generator: ModuleType, request: pytest.FixtureRequest) -> None:
    for test, sentence in generator.promises_of(request.session.items).items():
        assert sentence[0].isupper() or not sentence[0].isalpha(), test
        assert sentence.endswith(".") and ". " not in sentence and "\n" not in sentence, test


def test_every_test_has_a_theme_and_tests_of_one_sentence_share_it(generator: ModuleType) -> None:
    text = generator.page({
        "tests/crash/test_hostile_zips.py::test_b": "Zips do no harm.",
        "tests/crash/test_kills.py::test_c": "Kills lose nothing.",
        "tests/crash/test_hostile_zips.py::test_a": "Zips do no harm.",
        "tests/test_anything.py::test_d": "Nothing is said to anybody.",
    })  # fmt: skip
    themes = [line for line in text.splitlines() if line.startswith("## ")]
    assert themes == ["## No file does harm", "## Nothing is lost", "## It keeps to itself"]
    assert text.count("- Zips do no harm.") == 1
    assert "  [`test_a`](../tests/crash/test_hostile_zips.py)\n  [`test_b`]" in text


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_a_promise_without_a_green_test_does_not_appear(generator: ModuleType, outcome: str) -> None:
    witness: Any = generator.Witness()
    for parameter, result in (("[1]", "passed"), ("[2]", outcome), ("[3]", "passed")):
        witness.pytest_runtest_logreport(SimpleNamespace(nodeid="tests/test_x.py::test_y" + parameter, outcome=result))
    witness.pytest_runtest_logreport(SimpleNamespace(nodeid="tests/test_x.py::test_z", outcome="passed"))
    assert witness.broken == {"tests/test_x.py::test_y"}


def test_of_what_went_wrong_every_case_is_counted(generator: ModuleType) -> None:
    machine = {"processor": "a processor", "torch": "2"}
    kills = {"stage_seconds": 60.0, "kills": 7, "runs": 5, "wrong": ["seed 3: lost", "seed 4: lost"], "done": True}
    begun = {"stage_seconds": 60.0, "steps": 1000, "wrong": []}
    stages = {"random kills": kills, "long run": begun}
    text = generator.page({}, {"measured": machine, "commit": "0123456789", "stages": stages})
    assert "| 7 SIGKILLs at random times, of 5 runs continued to their end | 2 |" in text
    assert "steps: memory" not in text, "a stage that is not done"
