"""Which checkpoints a run has, in which order, and which of them are kept.

checkpoint-000000320000-0123….safetensors            after 320,000 images
checkpoint-000000240000-attempt1-4567….safetensors   newer than that: the run was rolled back once
checkpoint-000000200000-anchor-89ab….safetensors     the last one that a roll-back may go to
checkpoint-000000160000-sound-cdef….safetensors      the last one of them at which all was well
best.json                                            which of them measured best, if any was marked
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from dcgan.errors import ExitCode, UserError
from dcgan.files import write_atomically
from dcgan.foreign import strict_json
from dcgan.runs.folder import RunFolder

_NAME = re.compile(r"checkpoint-(\d+)(?:-attempt(\d+))?(?:-(anchor|sound))?-([0-9a-f]{64})")

Role = Literal["", "anchor", "sound"]
"""What a checkpoint is for, besides being the newest: to roll back to when a number breaks; or when an alarm rings."""


def name_of(images_seen: int, attempt: int, *, role: Role, digest: str) -> str:
    """The file name of a checkpoint."""
    parts = [f"checkpoint-{images_seen:012d}", f"attempt{attempt}" if attempt else "", role, digest]
    return "-".join(filter(None, parts)) + ".safetensors"


def paths(run: RunFolder) -> list[Path]:
    """The checkpoints of a run by name, newest first; not yet checked."""
    found = run.checkpoints.glob("checkpoint-*.safetensors")
    return sorted((path for path in found if _NAME.fullmatch(path.stem)), key=_position, reverse=True)


def _position(path: Path) -> tuple[int, int]:
    """(attempt, images seen), as the name tells them."""
    match = _NAME.fullmatch(path.stem)
    assert match, path
    return int(match[2] or 0), int(match[1])


def images_seen(path: Path) -> int:
    """Training images that a checkpoint has seen, as its name tells."""
    return _position(path)[1]


def is_anchor(path: Path) -> bool:
    """Whether a run may be rolled back to it."""
    match = _NAME.fullmatch(path.stem)
    return bool(match and match[3])


def is_sound(path: Path) -> bool:
    """Whether all was well there."""
    match = _NAME.fullmatch(path.stem)
    return bool(match and match[3] == "sound")


def prune(run: RunFolder, path: Path, keep: int) -> None:
    """Leave ``path``, the ``keep - 1`` before it, the last anchor, the last sound one and the best one.

    What the disk does not let go of is pruned another time.
    """
    with suppress(OSError, ValueError):
        others = [other for other in paths(run) if other != path]
        earlier = [other for other in others if _position(other) < _position(path)]
        replaced = [other for other in others if _position(other) == _position(path)]
        line = (path, *replaced, *earlier)
        anchor, sound = (next((one for one in line if fits(one)), path) for fits in (is_anchor, is_sound))
        spared = {_marked(run).get("file"), anchor.name, sound.name}
        set_aside([other for other in others if _position(other) > _position(path)])
        for old in (*replaced, *earlier[keep - 1 :]):
            if old.name not in spared:
                old.unlink(missing_ok=True)


def forget_newer(run: RunFolder, images_seen: int, attempt: int) -> None:
    """Remove the checkpoints of this attempt, the best one too, that training goes back behind.

    What the disk does not let go of stays: it is older than the first checkpoint of the next attempt.
    """
    with suppress(OSError):
        for path in paths(run):
            if _position(path) > (attempt, images_seen):
                path.unlink()


def set_aside(damaged: Sequence[Path]) -> None:
    """Keep them as ``.bad``, where nobody takes them for checkpoints.

    Raises:
        OSError: The folder cannot be changed.
    """
    for path in damaged:
        path.replace(path.with_suffix(".bad"))


def mark_best(run: RunFolder, path: Path, facts: Mapping[str, Any]) -> None:
    """From now on ``path``, a checkpoint that was saved, is the best of the run, and is not pruned.

    ``facts`` says why: the name of the measurement, its value, whatever JSON can hold.

    Raises:
        DiskError: It is not marked; the one that was marked before still is.
    """
    content = {"file": path.name, "images_seen": _position(path)[1], **facts}
    write_atomically(run.best, json.dumps(content, ensure_ascii=False).encode(), durable=True)


def best(run: RunFolder) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint that was marked as best and what ``mark_best`` was told of it, or None if none was.

    The path is a checkpoint of this run by its name; whether it is whole is for ``read`` to say.

    Raises:
        UserError: The mark cannot be read.
    """
    try:
        facts = _marked(run)
    except (OSError, ValueError) as error:
        raise UserError(f"{run.best}: cannot be read ({error}). Remove it.", ExitCode.CHECKPOINT) from error
    named = next((path for path in paths(run) if path.name == facts.get("file")), None)
    return None if named is None else (named, facts)


def _marked(run: RunFolder) -> dict[str, Any]:
    """The mark; empty when nothing was marked."""
    if not run.best.exists():
        return {}
    facts = strict_json(run.best.read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError("no JSON object")
    return facts
