"""The plain facts of a checkpoint, checked: who reads on may take them for what they say they are."""

import math
from pathlib import Path
from typing import Any

from dcgan.errors import ExitCode, UserError
from dcgan.foreign import strict_json
from dcgan.settings.config import Config, from_tables
from dcgan.settings.recipes import complete

FORMAT = 2
"""Of what is written now. 1: the statistics for sampling were not yet stored."""
READABLE = (1, 2)
_KINDS = {
    "images_seen": "a natural number",
    "attempt": "a natural number",
    "seconds": "a time",
    "epoch_seconds": "a time",
    "config": "tables",
    "class_names": "names",
    "bits": "8 or 16",
    "fingerprint": "text",
}


def parse_facts(path: Path, text: str) -> dict[str, Any]:
    """The facts in a checkpoint's metadata. Those that this version does not know are left as they are.

    Raises:
        UserError: Written by a later version, or not as any version writes them; names the fact.
    """
    try:
        facts = strict_json(text)
    except ValueError as error:
        raise _refused(path, f"its facts are no JSON ({error})") from error
    if not isinstance(facts, dict):
        raise _refused(path, "its facts are no table")
    if facts.get("format") not in READABLE:
        raise UserError(
            f"{path}: format {facts.get('format')!r:.40}, this version reads up to {FORMAT}.", ExitCode.CHECKPOINT
        )
    for name, kind in _KINDS.items():
        if not _is(kind, facts.get(name)):
            raise _refused(path, f"{name} is {facts.get(name)!r:.60}, not {kind}")
    return facts


def parse_config(path: Path, facts: dict[str, Any]) -> Config:
    """The resolved config among the facts.

    Raises:
        UserError: No config of this version, or one that leaves open what a trained network knows.
    """
    try:
        config = complete(from_tables(facts["config"]))
    except UserError as error:
        raise _refused(path, f"its config: {error}") from error
    if config.model.image_channels is None or config.model.num_classes is None:
        raise _refused(path, "its config leaves model.image_channels or model.num_classes open")
    return config


def _is(kind: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "a natural number":
        return type(value) is int and 0 <= value < 2**62
    if kind == "a time":
        return number and 0 <= value < 1e12 and math.isfinite(value)
    if kind == "names":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    if kind == "8 or 16":
        return type(value) is int and value in (8, 16)
    return isinstance(value, dict if kind == "tables" else str)


def _refused(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not a checkpoint of this program: {reason}.", ExitCode.CHECKPOINT)
