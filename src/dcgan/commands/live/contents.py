"""What a checkpoint holds: the training state, the statistics that images are drawn with, and plain facts."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from dcgan.data.dataset import Dataset
from dcgan.runs.checkpoint import SAMPLING
from dcgan.runs.generator import TrainedGenerator
from dcgan.settings.config import Config, to_tables
from dcgan.training.state import TrainingState


def contents(
    state: TrainingState, config: Config, *, dataset: Dataset, borders: Mapping[str, str]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors by name, and the facts.

    ``borders``: what a run must have in common with another to be equal to the bit.
    """
    facts = {
        **state.facts(),
        "config": to_tables(config),
        "class_names": dataset.class_names if config.data.labels else (),
        "bits": 8 * dataset.pixels.dtype.itemsize,
        "fingerprint": dataset.fingerprint,
        "borders": dict(borders),
    }
    return state.tensors() | sampling_statistics(state, config), facts


def sampling_statistics(state: TrainingState, config: Config) -> dict[str, Tensor]:
    """The statistics of normalisation that images are drawn with; empty where they are those of the state.

    They are left out, too, where activations overflow: no checkpoint may hold what is not a finite number.
    """
    if not config.model.statistics_batches:
        return {}
    network = copy.deepcopy(state.generator) if state.average is None else state.average
    drawn = TrainedGenerator(network, config).as_configured().generator
    buffers = {name: buffer for name, buffer in drawn.named_buffers() if name.endswith(("running_mean", "running_var"))}
    finite = all(torch.isfinite(buffer).all() for buffer in buffers.values())
    return {SAMPLING + name: buffer for name, buffer in buffers.items()} if finite else {}
