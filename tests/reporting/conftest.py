"""A run folder as training leaves it, without training."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dcgan.data import pixels
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder

Build = Callable[..., RunFolder]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """``build(grids=5, steps=40)``: a run of noise, finished unless ``end`` says otherwise; one loss is a NaN."""

    def make(
        *, grids: int = 3, steps: int = 40, size: int = 8, source: str = "critters", end: str = "budget"
    ) -> RunFolder:
        run = RunFolder(tmp_path / "run")
        run.samples.mkdir(parents=True)
        run.config.write_text(
            f'recipe = "modern"\nseed = 7\n[data]\nsource = {json.dumps(source)}\nheight = 64\nwidth = 64\n'
            'fit = "crop"\n[training]\nimages = 4000\naverage_half_life = "none"\nbatch_size = 32\n'
        )
        random = np.random.default_rng(0)
        journal.record(run.journal, "start", 0, images=4000)
        for step in range(1, steps + 1):
            journal.record(
                run.journal,
                "step",
                100 * step,
                seconds=float(step),
                images_per_second=100.0,
                discriminator_loss=math.nan if step == 20 else 0.5 + random.normal() / 10,
                generator_loss=2.0 + random.normal() / 10,
                real_score=1.0,
                fake_score=-1.0,
            )
        noise = random.integers(0, 256, (grids + 1, 60, size, size, 3), dtype=np.uint8)
        for index in range(grids):
            run.preview(index * 100).write_bytes(pixels.png(pixels.grid(noise[index], 10)))
        run.reals.write_bytes(pixels.png(pixels.grid(noise[-1], 10)))
        if end:
            journal.record(run.journal, "end", 100 * steps, seconds=float(steps), reason=end)
        return run

    return make
