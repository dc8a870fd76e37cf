"""Both detectors see five kinds of known damage on clothes that neither was trained on. The steps: the benchmark."""

import json
from pathlib import Path

from benchmarks.machine import RESULTS
from benchmarks.quality import detectors


def test_both_detectors_see_five_kinds_of_damage(real_data: Path) -> None:
    reference, samples = detectors.clothes(real_data)
    found = detectors.ranking(reference, samples, count=1_000, shares=(1.0,))
    for one in detectors.DETECTORS:
        distances = found[one]["distances"]
        assert set(distances) == {"blur", "noise", "colour shift", "jpeg", "mode drop"}
        assert all(full > 1.5 * none for none, full in distances.values()), distances


def test_what_was_measured_is_what_ships() -> None:
    measured = json.loads((RESULTS / "detectors.json").read_text())
    assert measured["ranking"]["digests"]["tiny"] == detectors.detector("tiny").digest
    for found in measured["ranking"]["found"].values():
        assert all(all(found[one]["in_order"].values()) for one in detectors.DETECTORS)
