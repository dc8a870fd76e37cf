"""What a run folder tells for a model card: its settings in words, and measurements of the exported checkpoint."""

import json
import re
from pathlib import Path
from typing import Any

from dcgan.export.card import RunFacts
from dcgan.foreign import read_bytes
from dcgan.reporting.measures import HEAD, rows_of
from dcgan.reporting.settings import describe
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator
from dcgan.runs.portable import without_places
from dcgan.settings.config import flatten

MAX_BYTES = 10_000_000


def run_facts(path: Path, generator: TrainedGenerator) -> RunFacts:
    """Facts of the run that the generator came from, as far as they are there; no path of this machine is in them."""
    run = RunFolder(path)
    config = dict(flatten(without_places(generator.config)))
    about = _json(run.about)
    evaluation = _json(run.evaluation)
    remarks = [str(remark) for remark in evaluation.get("remarks", [])]
    is_of_this = generator.path is not None and evaluation.get("checkpoint") == generator.path.name
    measurements = evaluation.get("measurements", []) if is_of_this else []
    return RunFacts(
        name=path.absolute().name.removesuffix(".safetensors"),
        data=str(config["data.source"]),
        images_seen=images_seen(generator),
        sentences=describe(config, {name: about[name] for name in ALLOWED if name in about}),
        measurements=measurements,
        rows=[HEAD, *rows_of(measurements)] if measurements else [],
        remarks=remarks if measurements else [],
    )


ALLOWED = (
    "generator_parameters", "discriminator_parameters", "train_images", "held_out_images", "processor", "accelerator",
)  # fmt: skip
"""Of ``about.json``: neither the command nor the places in it."""


def images_seen(generator: TrainedGenerator) -> int | None:
    """Training images that a checkpoint has seen, by its name; None for what is no checkpoint."""
    match = re.match(r"checkpoint-([0-9]+)", generator.path.name) if generator.path else None
    return int(match[1]) if match else None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path, MAX_BYTES))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
