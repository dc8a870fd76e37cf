"""The list of deliberate bugs is kept up with the code; ``make torture`` puts each of them in and runs these tests."""

from pathlib import Path

import pytest

from benchmarks.torture.mutations import MUTATIONS, ROOT, Mutation, applied, survives


def test_there_are_enough_and_no_two_are_the_same() -> None:
    assert len(MUTATIONS) >= 20
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    assert len({(mutation.file, mutation.old, mutation.new) for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_each_fits_the_code_as_it_is(mutation: Mutation) -> None:
    source = (ROOT / "src" / "dcgan" / mutation.file).read_text()
    assert compile(applied(mutation, source), mutation.file, "exec")


def test_one_of_them_is_caught(tmp_path: Path) -> None:
    chosen = next(mutation for mutation in MUTATIONS if mutation.name == "the best is pruned")
    assert survives(chosen, tmp_path / "copy")["caught_by"].startswith("test_shelf.py")
