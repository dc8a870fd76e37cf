"""What a run folder tells its page: how much it has seen, and the directions that dcgan explore found."""

import math
from pathlib import Path
from typing import Any

from dcgan.commands.run_facts import images_seen
from dcgan.errors import UserError
from dcgan.foreign import read_bytes, strict_json
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator

LARGEST_FILE = 50_000_000  # bytes
MOST_DIRECTIONS = 8


def page_facts(run: Path, generator: TrainedGenerator) -> dict[str, Any]:
    """Facts for ``page_export``."""
    size = generator.config.model.latent_size
    return {"imagesSeen": images_seen(generator), "directions": _directions(RunFolder(run).directions, size)}


def _directions(path: Path, size: int) -> list[dict[str, Any]]:
    """The first of the directions in a file of dcgan explore; none where there is no file or nothing fits."""
    try:
        listed = strict_json(read_bytes(path, LARGEST_FILE)).get("directions")
    except (OSError, ValueError, UserError, AttributeError):
        return []
    fitting = [_direction(entry, size) for entry in listed] if isinstance(listed, list) else []
    return [direction for direction in fitting if direction][:MOST_DIRECTIONS]


def _direction(entry: Any, size: int) -> dict[str, Any] | None:
    if not isinstance(entry, dict):
        return None
    vector, ends = entry.get("vector"), entry.get("ends")
    if not isinstance(vector, list) or len(vector) != size or not all(map(_is_number, vector)) or not any(vector):
        return None
    two = ends if isinstance(ends, list) and len(ends) == 2 else ["", ""]
    return {"name": str(entry.get("name", ""))[:60], "vector": vector, "ends": [str(end)[:60] for end in two]}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
