"""Fewer images than a batch, and epochs that leave one over: no batch is empty, and nothing breaks."""

from pathlib import Path

import numpy as np
import pytest
import torch

import dcgan
from dcgan.data.batches import Batches
from dcgan.errors import ExitCode, UserError
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder

BATCH = 16
TINY = {
    "model.generator_width": 4, "model.discriminator_width": 4, "training.batch_size": BATCH,
    "hardware.precision": "fp32",
}  # fmt: skip


@pytest.mark.parametrize("count", [2, 3, 16, 17])
def test_a_batch_is_filled_from_the_next_epochs(count: int) -> None:
    batches = Batches(np.zeros((count, 1, 1, 1), np.uint8), np.arange(count), batch_size=BATCH, seed=0)
    rows = np.concatenate([batches.rows(seen) for seen in range(0, BATCH * count, BATCH)])
    assert len(rows) == BATCH * count
    assert all(sorted(epoch) == list(range(count)) for epoch in np.split(rows, BATCH))


@pytest.mark.parametrize("count", [2, 3, 17])
@pytest.mark.parametrize("recipe", ["modern", "d2l"])
def test_a_run_on_few_images_comes_to_its_end(count: int, recipe: str, critters_npy: Path, tmp_path: Path) -> None:
    """``d2l`` ends each epoch with what is left: of 17 images, one."""
    source = tmp_path / "few.npy"
    np.save(source, np.load(critters_npy)[:count])
    words = {"size": 16, "threads": 1, "budget": "3epochs", "recipe": recipe, "settings": TINY}
    steps = list(dcgan.train(source, out=tmp_path / "run", **words))
    assert len(steps) == (3 * -(-count // BATCH) if recipe == "d2l" else -(-3 * count // BATCH))
    found = checkpoint.newest(RunFolder(tmp_path / "run"))
    assert found is not None
    assert all(torch.isfinite(tensor).all() for tensor in found.tensors.values())


def test_one_image_is_too_few(critters_npy: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.load(critters_npy)[:1])
    with pytest.raises(UserError) as error:
        dcgan.train(tmp_path / "one.npy", size=16, out=tmp_path / "run")
    assert error.value.exit_code == ExitCode.DATA
