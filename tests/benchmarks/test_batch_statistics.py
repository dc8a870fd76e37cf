"""Statistics of other latents are other statistics; the running ones are not drawn."""

import json
from pathlib import Path

import pytest
import torch

import dcgan
from benchmarks.quality import batch_statistics

TINY = {"model.generator_width": 4, "model.discriminator_width": 4, "model.latent_size": 8, "training.batch_size": 8}


def test_every_draw_is_measured_and_the_run_stays_as_it_was(critters_npy: Path, tmp_path: Path) -> None:
    for _ in dcgan.train(critters_npy, out=tmp_path / "run", size=16, threads=1, budget="80", settings=TINY):
        pass
    before = {path.name: path.read_bytes() for path in (tmp_path / "run" / "checkpoints").iterdir()}
    batch_statistics.main(
        [str(tmp_path / "run"), "--draws", "3", "--samples", "40", "--out", str(tmp_path / "out.json")]
    )
    rows = json.loads((tmp_path / "out.json").read_text())["runs"]["run"]
    assert [len(row["brightness"]) for row in rows.values()] == [1, 1, 3, 3, 3, 3]
    assert len({brightness for row in rows.values() for brightness in row["brightness"]}) == 14
    assert {path.name: path.read_bytes() for path in (tmp_path / "run" / "checkpoints").iterdir()} == before


def test_it_measures_what_sampling_has(critters_npy: Path, tmp_path: Path) -> None:
    for _ in dcgan.train(critters_npy, out=tmp_path / "run", size=16, threads=1, budget="80", settings=TINY):
        pass
    trained = batch_statistics.running(tmp_path / "run")
    again = batch_statistics.estimated(trained, batch_statistics.balanced, 16, 0)
    assert torch.equal(again.sample([1, 2]), trained.reestimated(16).sample([1, 2]))


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no run with an average"):
        batch_statistics.main([str(tmp_path / "nothing")])
