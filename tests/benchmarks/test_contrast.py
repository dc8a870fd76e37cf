"""With a bias and without one, a run goes on from the same function, and then parts."""

import json
from pathlib import Path

import pytest

import dcgan
from benchmarks.quality import contrast

TINY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 8,
    "hardware.precision": "fp32", "model.discriminator_norm": True, "model.discriminator_bias": False,
}  # fmt: skip


def test_both_courses_begin_at_the_same_spread_and_part(critters_npy: Path, tmp_path: Path) -> None:
    for _ in dcgan.train(critters_npy, out=tmp_path / "run", size=16, threads=1, budget="80", settings=TINY):
        pass
    before = {path.name: path.read_bytes() for path in (tmp_path / "run" / "checkpoints").iterdir()}
    contrast.main([str(tmp_path / "run"), "--images", "40", "--out", str(tmp_path / "contrast.json")])
    spreads = json.loads((tmp_path / "contrast.json").read_text())["spread"]
    without, biased = spreads["as it was"], spreads["with a bias"]
    assert [seen for seen, _ in without] == [seen for seen, _ in biased] == [80, 88, 96, 104, 112, 120]
    assert without[0] == biased[0]
    assert without[-1] != biased[-1]
    assert {path.name: path.read_bytes() for path in (tmp_path / "run" / "checkpoints").iterdir()} == before


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(dcgan.errors.UserError):
        contrast.main([str(tmp_path / "nothing")])
