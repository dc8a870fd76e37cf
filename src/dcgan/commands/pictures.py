"""The grids of a run: real images, the fixed latents over time, and the chapter's new latents at each epoch's end."""

import copy
import math

import numpy as np
import torch

from dcgan.config import Config
from dcgan.data.pixels import grid, png, to_pixels, viewable
from dcgan.data.prepare import Dataset
from dcgan.files import write_atomically
from dcgan.randomness import latents, permutation
from dcgan.runs.checkpoint import TrainedGenerator
from dcgan.runs.folder import RunFolder
from dcgan.tensors import Pixels
from dcgan.training.state import TrainingState

FIRST_PREVIEW = 500  # images; then twice as many every second time: about twenty grids in half a million images
FRESH_ROWS, FRESH_COLUMNS = 3, 7  # of the chapter


def preview_is_due(before: int, after: int) -> bool:
    """Whether one of the positions 500, 707, 1000, 1414, … lies in (before, after]: a function of images alone."""

    def passed(images_seen: int) -> int:
        return math.floor(2 * math.log2(max(images_seen, 1) / FIRST_PREVIEW))

    return after >= FIRST_PREVIEW and (before < FIRST_PREVIEW or passed(after) > passed(before))


def write_reals(run: RunFolder, config: Config, dataset: Dataset) -> None:
    """As many real images as a grid of samples holds, chosen by the seed."""
    count = config.runs.preview_rows * config.runs.preview_columns
    chosen = dataset.train[permutation(len(dataset.train), "reals", seed=config.seed)[:count]]
    write_atomically(run.reals, png(grid(viewable(dataset.pixels[chosen]), config.runs.preview_columns)))


def write_preview(run: RunFolder, config: Config, state: TrainingState) -> None:
    """The fixed latents, which are those of the seeds 0, 1, 2, …, drawn by the average if there is one."""
    generator = state.average if state.average is not None else copy.deepcopy(state.generator)
    count = config.runs.preview_rows * config.runs.preview_columns
    pixels = TrainedGenerator(generator, config).sample(range(count))
    picture = png(grid(_rows(pixels), config.runs.preview_columns))
    write_atomically(run.preview(state.images_seen), picture)
    write_atomically(run.latest, picture)


@torch.no_grad()
def write_fresh_preview(run: RunFolder, config: Config, state: TrainingState) -> None:
    """Latents never seen before, normalised by their own batch: a copy is used, as this moves running statistics."""
    count = FRESH_ROWS * FRESH_COLUMNS
    model = config.model
    noise = latents(state.images_seen, count, model.latent_size, seed=config.seed, stream="fresh", prior=model.prior)
    device = state.journal_sums.device
    labels = torch.arange(count, device=device) % model.num_classes if model.num_classes else None
    images = copy.deepcopy(state.generator)(noise.to(device), labels)
    picture = grid(_rows(to_pixels(images).cpu()), FRESH_COLUMNS, gap=0)
    write_atomically(run.fresh_preview(state.images_seen), png(picture))


def _rows(pixels: Pixels) -> np.ndarray:
    return viewable(pixels.permute(0, 2, 3, 1).numpy())
