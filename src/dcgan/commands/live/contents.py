"""What a checkpoint holds: the training state and plain facts."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from dcgan.data.dataset import Dataset
from dcgan.settings.config import Config, to_tables
from dcgan.training.state import TrainingState


def contents(
    state: TrainingState, config: Config, dataset: Dataset, borders: Mapping[str, str]
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
    return state.tensors(), facts
