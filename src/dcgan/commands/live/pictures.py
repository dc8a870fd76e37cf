"""The grids of a run: real images, the fixed latents over time, and the chapter's new latents at each epoch's end."""

import copy
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn

from dcgan.commands.live.drawing import Drawing, Easel
from dcgan.data.pixels import grid, png, to_pixels, viewable
from dcgan.data.prepare import Dataset
from dcgan.exploration.sheets import Row, pictures_of, sheet
from dcgan.hardware import upload
from dcgan.randomness import latents, permutation
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.config import Config
from dcgan.tensors import Pixels
from dcgan.training.state import TrainingState

FIRST_PREVIEW = 500  # images; then twice as many every second time: about twenty grids in half a million images
FRESH_ROWS, FRESH_COLUMNS = 3, 7  # of the chapter


def preview_is_due(before: int, after: int) -> bool:
    """Whether one of the positions 500, 707, 1000, 1414, … lies in (before, after]: a function of images alone."""

    def passed(images_seen: int) -> int:
        return math.floor(2 * math.log2(max(images_seen, 1) / FIRST_PREVIEW))

    return after >= FIRST_PREVIEW and (before < FIRST_PREVIEW or passed(after) > passed(before))


def draw_reals(config: Config, dataset: Dataset) -> Drawing:
    """As many real images as a grid of samples holds, chosen by the seed."""
    count = config.runs.preview_rows * config.runs.preview_columns
    chosen = dataset.train[permutation(len(dataset.train), "reals", seed=config.seed)[:count]]
    pixels = torch.from_numpy(dataset.pixels[chosen]).permute(0, 3, 1, 2)
    return Drawing(pixels, partial(_as_png, columns=config.runs.preview_columns))


def draw_preview(config: Config, state: TrainingState, easel: Easel) -> Drawing:
    """The fixed latents, those of the seeds 0, 1, 2, …, drawn by a copy of the average, or of what there is."""
    drawer = copy.deepcopy(state.generator if state.average is None else state.average)
    generator = TrainedGenerator(drawer, config)
    seeds = range(config.runs.preview_rows * config.runs.preview_columns)
    fixed, labels = generator.latents(seeds), generator.labels(seeds)
    return easel.draw(
        lambda: torch.cat(list(generator.paint(fixed, labels))),
        partial(_as_png, columns=config.runs.preview_columns),
    )


def draw_fresh_preview(config: Config, state: TrainingState, easel: Easel) -> Drawing:
    """Latents never seen before, drawn by a copy, normalised by their own batch; by running statistics if MXNet would.

    Normalising by a batch moves running statistics, which is why a copy does it.
    """
    by_batch = config.model.norm_statistics != "backward"
    paint = _fresh(config, state, copy.deepcopy(state.generator).train(by_batch))
    return easel.draw(paint, partial(_as_png, columns=FRESH_COLUMNS, gap=0))


def draw_both_ways(config: Config, state: TrainingState, easel: Easel) -> Drawing:
    """The last latents of the chapter's picture by their batch's statistics, beside the same by running statistics."""
    by_batch = _fresh(config, state, copy.deepcopy(state.generator).train())
    by_running = _fresh(config, state, copy.deepcopy(state.generator).eval())
    return easel.draw(lambda: torch.cat([by_batch(), by_running()]), _side_by_side)


def _fresh(config: Config, state: TrainingState, generator: nn.Module) -> Callable[[], Pixels]:
    """What paints latents never seen before, others after each number of images."""
    count = FRESH_ROWS * FRESH_COLUMNS
    model, device = config.model, state.journal_sums.device
    noise = latents(state.images_seen, count, model.latent_size, seed=config.seed, stream="fresh", prior=model.prior)

    @torch.no_grad()
    def paint() -> Pixels:
        labels = torch.arange(count, device=device) % model.num_classes if model.num_classes else None
        return to_pixels(generator(upload(noise, device), labels))

    return paint


def _side_by_side(pixels: Pixels) -> bytes:
    """The first half on the left, the other on the right, and a line that says which is which."""
    both = pictures_of(pixels).reshape(2, FRESH_ROWS, FRESH_COLUMNS, *pixels.shape[2:], pixels.shape[1])
    rows = [Row(np.concatenate(pair), breaks=(FRESH_COLUMNS,)) for pair in zip(*both, strict=True)]
    head = "Left: by the statistics of these 21, as in the chapter. Right: by running ones, as dcgan sample draws."
    return sheet(rows, head=head)


def _as_png(pixels: Pixels, *, columns: int, gap: int = 2) -> bytes:
    return png(grid(viewable(pixels.permute(0, 2, 3, 1).numpy()), columns, gap=gap))
