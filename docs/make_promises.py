"""docs/promises.md: every test marked ``promise`` is run, and only those that pass become sentences of the page.

Behind them stands what the last whole `make torture` found, as its results have it.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "promises.md"
HEAD = """\
# Promises

Each sentence is proved by the test beneath it, and both come from the tests themselves: `make docs` runs every test that is marked `promise` and writes this page.
A promise whose test fails, is skipped or is not there does not appear.
"""  # noqa: E501  # one sentence a line
RESULTS = ROOT / "benchmarks" / "results" / "torture.json"
TRIED = {  # of each stage of `make torture`, from its report
    "hostile input": "{cases:,} damaged, forged and lying files, "
    "at most {slowest_seconds:.1f} s and {most_megabytes:.0f} MB each",
    "mutations": "{mutations} deliberate bugs in the code that saves and resumes, which the tests had to catch",
    "random kills": "{kills} SIGKILLs at random times, of {runs} runs continued to their end",
    "kills at calls": "{kills} SIGKILLs at each of the {calls_of_a_run} calls that change the disk, of {runs} runs",
    "long run": "{steps:,} steps: memory, open files and threads",
    "loss of power": "{states:,} states that the disk may be in after a loss of power",
    "refused system calls": "{trials} system calls of a save refused by strace",
    "stops at every step": "{runs} runs, each stopped after another step and continued",
    "refused calls": "{calls_of_a_save} calls of a save by {errors} errors, once and for good: {trials}",
    "kills of the real process": "{kills} SIGKILLs of `dcgan train` with two threads",
    "terminations of the real process": "{answered} SIGTERMs of it; the slowest answer took {slowest_answer_seconds} s",
    "cost of saving": "saves: {share:.2%} of a default run, at most {most_seconds_at_risk:.0f} s between two",
}  # fmt: skip
THEMES = {  # of a test's place; the first that fits
    "tests/crash/test_hostile": "No file does harm",
    "tests/crash/": "Nothing is lost",
    "tests/runs/": "Nothing is lost",
    "tests/commands/test_train": "Nothing is lost",
    "tests/commands/test_compare": "Nothing is lost",
    "tests/data/": "Your images are taken as they are",
    "tests/models/": "What is trained is what was published",
    "tests/training/": "What is trained is what was published",
    "tests/textbook/": "What is trained is what was published",
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


def page(promises: Promises, tortured: Mapping[str, Any] | None = None) -> str:
    """The page, in the order of the themes, and in each by sentence of its first test; ``tortured``: RESULTS."""
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
    lines += _by_the_thousand(tortured) if tortured else []
    return "\n".join(lines).rstrip() + "\n"


def _by_the_thousand(tortured: Mapping[str, Any]) -> list[str]:
    machine, stages = tortured["measured"], tortured["stages"]
    minutes = sum(report["stage_seconds"] for report in stages.values()) / 60
    lines = ["## By the thousand\n"]
    lines.append(
        f"`make torture` on {machine['processor']}, torch {machine['torch']}, commit {tortured['commit'][:7]}: "
        f"its stages took {minutes:.0f} minutes, two side by side.\n"
    )
    lines += ["| tried | went wrong |", "|---|---|"]
    for name, words in TRIED.items():
        if stages.get(name, {}).get("done"):
            lines.append(f"| {words.format(**stages[name])} | {len(stages[name]['wrong'])} |")
    return [*lines, ""]


def results() -> dict[str, Any] | None:
    """What the last whole `make torture` found; None before the first."""
    found: dict[str, Any] | None = json.loads(RESULTS.read_bytes()) if RESULTS.exists() else None
    return found


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
    words = ["-m", "promise and not long", "--rootdir", str(ROOT), str(ROOT / "tests")]
    pytest.main([*words, "--collect-only", "-qq"] if asked.collect_only else words, plugins=[witness])
    kept = {test: sentence for test, sentence in witness.promises.items() if test not in witness.broken}
    PAGE.write_text(page(kept, results()), encoding="utf-8")
    for test in sorted(witness.broken):
        print(f"not promised, because it failed or was skipped: {test}", file=sys.stderr)
    return int(bool(witness.broken) or not kept)


if __name__ == "__main__":
    sys.exit(main())
