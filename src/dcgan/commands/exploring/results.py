"""What explore leaves: a picture, and a JSON file of the same name with its latents and what was found."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcgan.commands.exploring.options import Which
from dcgan.errors import UserError
from dcgan.files import user_path, write_atomically
from dcgan.runs.folder import RunFolder
from dcgan.wording import plain

if TYPE_CHECKING:
    from dcgan.exploration.points import Points
    from dcgan.runs.generator import TrainedGenerator

FORMAT = 1


@dataclass(frozen=True)
class Result:
    """What one exploration came to."""

    picture: Path
    """The picture or film."""
    facts: Path
    """The JSON file: ``dcgan sample RUN --latents FILE`` draws its latents again."""
    words: tuple[str, ...]
    """What was found, in sentences."""
    points: "Points | None" = None
    """The latents of the picture."""
    found: dict[str, Any] = field(default_factory=dict)
    """All that was measured, as in the JSON file."""


def opened(run: str | Path, checkpoint: Which | None) -> "TrainedGenerator":
    """The generator of a run: the best one if one was kept, unless another is asked for.

    Raises:
        UserError: There is none, or it is damaged.
    """
    from dcgan.runs.generator import load_generator

    return load_generator(user_path(run), checkpoint)


def destination(run: str | Path, out: str | Path | None, method: str, suffixes: tuple[str, ...] = (".png",)) -> Path:
    """Where the picture goes: ``explore/METHOD`` in the run, or in this folder if ``run`` is a checkpoint file.

    Raises:
        UserError: ``out`` has another ending than those.
    """
    if out is None:
        root = user_path(run)
        folder = RunFolder(root).exploration if root.is_dir() else Path("explore")
        return folder / f"{method}{suffixes[0]}"
    if user_path(out).suffix.lower() not in suffixes:
        raise UserError(f"--out {out}: must end in {' or '.join(suffixes)}.")
    return user_path(out)


def keep(
    picture: Path,
    content: bytes,
    generator: "TrainedGenerator",
    *,
    method: str,
    words: list[str],
    points: "Points | None" = None,
    found: dict[str, Any] | None = None,
    still: Path | None = None,
) -> Result:
    """Write the picture, then the JSON file beside it; a run's own report is written again, to show both.

    ``still``: of a film, the picture for where films cannot be shown.
    """
    about: dict[str, Any] = {
        "format": FORMAT,
        "method": method,
        "picture": (still or picture).name,
        "checkpoint": generator.path.name if generator.path else None,
        "words": [plain(line) for line in words],
        "prior": generator.config.model.prior,
        "class_names": list(generator.class_names),
    }
    about |= found or {}
    if points is not None:
        about |= points.to_json()
    facts = picture.with_suffix(".json")
    write_atomically(picture, content)
    write_atomically(facts, (json.dumps(about, ensure_ascii=False, allow_nan=False) + "\n").encode())
    run = RunFolder(picture.parent.parent)
    if picture.parent == run.exploration and run.config.is_file():
        from dcgan.reporting.report import write_report

        write_report(run)
    return Result(picture, facts, tuple(words), points, found or {})
