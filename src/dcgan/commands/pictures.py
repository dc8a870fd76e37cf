"""The grids of a run: real images, the fixed latents over time, and the chapter's new latents at each epoch's end."""

import copy
import math

import numpy as np
import torch

from dcgan.config import Config
from dcgan.data.pixels import grid, png, to_pixels, viewable
from dcgan.data.prepare import Dataset
from dcgan.randomness import latents, permutation
from dcgan.runs.checkpoint import TrainedGenerator
from dcgan.tensors import Pixels
from dcgan.training.state import TrainingState

FIRST_PREVIEW = 500  # images; then twice as many every second time: about twenty grids in half a million images
FRESH_ROWS, FRESH_COLUMNS = 3, 7  # of the chapter


def preview_is_due(before: int, after: int) -> bool:
    """Whether one of the positions 500, 707, 1000, 1414, … lies in (before, after]: a function of images alone."""

    def passed(images_seen: int) -> int:
        return math.floor(2 * math.log2(max(images_seen, 1) / FIRST_PREVIEW))

    return after >= FIRST_PREVIEW and (before < FIRST_PREVIEW or passed(after) > passed(before))


def draw_reals(config: Config, dataset: Dataset) -> bytes:
    """As many real images as a grid of samples holds, chosen by the seed, as a PNG."""
    count = config.runs.preview_rows * config.runs.preview_columns
    chosen = dataset.train[permutation(len(dataset.train), "reals", seed=config.seed)[:count]]
    return png(grid(viewable(dataset.pixels[chosen]), config.runs.preview_columns))


def draw_preview(config: Config, state: TrainingState) -> bytes:
    """The fixed latents, those of the seeds 0, 1, 2, …, drawn by the average if there is one, as a PNG."""
    generator = state.average if state.average is not None else copy.deepcopy(state.generator)
    count = config.runs.preview_rows * config.runs.preview_columns
    pixels = TrainedGenerator(generator, config).sample(range(count))
    return png(grid(_rows(pixels), config.runs.preview_columns))


@torch.no_grad()
def draw_fresh_preview(config: Config, state: TrainingState) -> bytes:
    """Latents never seen before, normalised by their own batch: a copy is used, as this moves running statistics."""
    count = FRESH_ROWS * FRESH_COLUMNS
    model = config.model
    noise = latents(state.images_seen, count, model.latent_size, seed=config.seed, stream="fresh", prior=model.prior)
    device = state.journal_sums.device
    labels = torch.arange(count, device=device) % model.num_classes if model.num_classes else None
    images = copy.deepcopy(state.generator)(noise.to(device), labels)
    return png(grid(_rows(to_pixels(images).cpu()), FRESH_COLUMNS, gap=0))


def _rows(pixels: Pixels) -> np.ndarray:
    return viewable(pixels.permute(0, 2, 3, 1).numpy())
