"""docs/promises.md: every test marked ``promise`` is run, and only those that pass become sentences of the page."""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "promises.md"
HEAD = """\
# Promises

Each sentence is proved by the test beneath it, and both come from the tests themselves: `make docs` runs every test that is marked `promise` and writes this page.
A promise whose test fails, is skipped or is not there does not appear.
"""  # noqa: E501  # one sentence a line
THEMES = {  # of a test's place; the first that fits
    "tests/crash/test_hostile": "No file does harm",
    "tests/crash/": "Nothing is lost",
    "tests/commands/test_train": "Nothing is lost",
    "tests/commands/test_compare": "Nothing is lost",
    "tests/data/": "Your images are taken as they are",
    "tests/models/": "What is trained is what was published",
    "tests/training/": "What is trained is what was published",
    "tests/evaluation/": "Numbers mean what they say",
    "tests/exploration/": "Numbers mean what they say",
    "tests/reporting/": "What you see is what happened",
    "tests/interfaces/": "What you see is what happened",
    "tests/": "It keeps to itself",
}

Promises = Mapping[str, str]
"""The sentence of each marked test, by the test's name without parameters: ``tests/x.py::test_y``."""


def promises_of(items: Iterable[pytest.Item]) -> dict[str, str]:
    """What the collected tests promise."""
    marked = ((item.nodeid.partition("[")[0], item.get_closest_marker("promise")) for item in items)
    return {test: marker.args[0] for test, marker in marked if marker is not None}


def page(promises: Promises) -> str:
    """The page, in the order of the themes, and in each by sentence of its first test."""
    themes: dict[str, dict[str, list[str]]] = {theme: defaultdict(list) for theme in THEMES.values()}
    for test, sentence in sorted(promises.items()):
        theme = next(theme for place, theme in THEMES.items() if test.startswith(place))
        themes[theme][sentence].append(test)
    lines = [HEAD]
    for theme, sentences in themes.items():
        if sentences:
            lines.append(f"## {theme}\n")
            lines += [f"- {sentence}\n{_proofs(tests)}" for sentence, tests in sentences.items()]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _proofs(tests: list[str]) -> str:
    return "\n".join(f"  [`{test.partition('::')[2]}`](../{test.partition('::')[0]})" for test in tests)


class Witness:
    """Remembers, as a plugin of pytest, what the marked tests promise and which of them failed or were skipped."""

    def __init__(self) -> None:
        self.promises: Promises = {}
        self.broken: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Everything marked."""
        self.promises = promises_of(session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up and tear-down count as well; of many parameters, every one."""
        if report.outcome != "passed":
            self.broken.add(report.nodeid.partition("[")[0])


def main() -> int:
    """Write the page, or with ``--collect-only`` compare it with the marked tests without running them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collect-only", action="store_true", help="trust that all marked tests pass")
    asked = parser.parse_args()
    witness = Witness()
    words = ["-m", "promise", "--rootdir", str(ROOT), str(ROOT / "tests")]
    pytest.main([*words, "--collect-only", "-qq"] if asked.collect_only else words, plugins=[witness])
    kept = {test: sentence for test, sentence in witness.promises.items() if test not in witness.broken}
    PAGE.write_text(page(kept), encoding="utf-8")
    for test in sorted(witness.broken):
        print(f"not promised, because it failed or was skipped: {test}", file=sys.stderr)
    return int(bool(witness.broken) or not kept)


if __name__ == "__main__":
    sys.exit(main())
