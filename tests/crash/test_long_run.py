"""A long run needs no more than a short one; ``make torture`` looks at 20,000 steps, and at memory too."""

from pathlib import Path

from benchmarks.torture.leaks import course, leaks


def test_files_and_threads_do_not_become_more(source: Path, tmp_path: Path) -> None:
    found = course(source, tmp_path / "run", steps=160, looks=8)
    assert len(found["files"]) == 8
    assert len(set(found["files"][2:])) == len(set(found["threads"][2:])) == 1, found


def test_growth_is_seen() -> None:
    flat = {"megabytes": [300.0] * 40, "files": [9.0] * 40, "threads": [2.0] * 40}
    assert leaks(flat, 20_000)["wrong"] == []
    settling = flat | {"megabytes": [*range(200, 300, 10), *[300.0] * 30]}
    assert leaks(settling, 20_000)["wrong"] == []
    growing = flat | {"megabytes": [300 + 0.06 * look for look in range(40)], "files": [*range(40)]}
    told = leaks(growing, 20_000)
    assert told["megabytes_in_10000_steps"] > 1.1
    assert len(told["wrong"]) == 2
