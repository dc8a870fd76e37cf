"""The targets of coverage-guided fuzzing do what they say, whether or not atheris is installed."""

import random
from pathlib import Path

import pytest

from benchmarks.torture import fuzz_guided
from benchmarks.torture.guided_targets import TARGETS
from benchmarks.torture.mutants import mutate


def test_every_kind_has_a_target() -> None:
    assert tuple(TARGETS) == fuzz_guided.KINDS


@pytest.mark.parametrize("kind", TARGETS)
def test_a_target_takes_good_files_and_worse_ones(kind: str, tmp_path: Path) -> None:
    rng = random.Random(0)
    seeds = TARGETS[kind].seeds()
    for number, content in enumerate([*seeds[:5], *(mutate(rng, rng.choice(seeds)) for _ in range(10))]):
        folder = tmp_path / str(number)
        folder.mkdir()
        TARGETS[kind].feed(content, folder)


def test_without_atheris_or_a_kind_it_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fuzz_guided, "find_spec", lambda name: None)
    for words, expected in (["images"], "pip install atheris"), ([], "images|archives"), (["x"], "images|archives"):
        monkeypatch.setattr("sys.argv", ["fuzz_guided.py", *words])
        assert fuzz_guided.main() == 2
        assert expected in capsys.readouterr().err
