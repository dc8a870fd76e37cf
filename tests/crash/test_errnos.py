"""Every call of a save, refused with every error: what is said is what is on disk."""

from pathlib import Path

import pytest

from benchmarks.torture.errnos import ERRNOS, num_calls, refused


@pytest.mark.promise("Whatever call of a save the disk refuses, and why: nothing is called saved that is not.")
@pytest.mark.parametrize("for_good", [False, True], ids=["once", "from then on"])
def test_no_refused_call_is_called_saved(for_good: bool, tmp_path: Path) -> None:
    """Each call with one of the errors, in turn; ``make torture`` tries all with all."""
    count = num_calls(tmp_path / "whole")
    assert count > 30
    wrong = []
    for call in range(1, count + 1):
        code = ERRNOS[call % len(ERRNOS)]
        done = refused(tmp_path / f"refused-{call}", call, code, for_good=for_good)
        assert done["call"]
        wrong += [f"{done['call']} {done['errno']}: {each}" for each in done["wrong"]]
    assert wrong == []
