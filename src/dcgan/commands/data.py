"""``dcgan data``: what is in a source and what becomes of it; and forgetting prepared data."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dcgan.errors import UserError
from dcgan.settings.knobs import DataConfig


@dataclass(frozen=True)
class Inspection:
    """What to print, and where the contact sheet is."""

    lines: tuple[str, ...]
    sheet: Path | None


def prepare_part(config: DataConfig, part: str, progress: Callable[[int, int], None] | None = None) -> tuple[str, ...]:
    """Prepare one part of a source, such as ``"3/64"``, in the cache, and say what is missing still.

    Raises:
        UserError: No such part or source, or no room on the disk.
    """
    from dcgan.data import cache, parts

    chosen = parts.Part.parse(part)
    num_items, missing = parts.prepare_part(config, chosen, progress)
    rest = f"{missing} of the {chosen.count} are missing there" if missing else "all are there: --merge joins them"
    return (f"Part {chosen.number} of {chosen.count}: {num_items:,} items read into {cache.folder()}; {rest}.",)


def inspect_data(
    config: DataConfig,
    out: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    merge: bool = False,
) -> Inspection:
    """Inspect a source without training; training on it will find it prepared.

    Args:
        config: The source, and the size to look at it in.
        out: Where to write a contact sheet of 20 prepared images (PNG). None: nowhere.
        progress: Called with (images read, images in all).
        merge: Put the parts together that were prepared, instead of reading any image.

    Raises:
        UserError: There is no such source, over half of it is unusable, or something cannot be written.
    """
    if out is not None and (out.suffix.lower() != ".png" or out.is_dir()):
        raise UserError(f"--out {out}: must be the name of a .png file, such as sheet.png.")
    from dcgan import files
    from dcgan.data import parts
    from dcgan.data.inspect import inspect
    from dcgan.data.pixels import png

    if merge:
        parts.merge(config)
    report, sheet = inspect(config, progress)
    if out is not None:
        files.write_atomically(out, png(sheet, sheet=True))
    return Inspection(tuple(report.lines()), out)


def clear_cache() -> tuple[int, int]:
    """Remove prepared data and its features from the cache: how many files, how many bytes. All else stays."""
    from dcgan.data import cache
    from dcgan.evaluation import feature_cache

    (num_prepared, prepared_bytes), (num_features, feature_bytes) = cache.clear(), feature_cache.clear()
    return num_prepared + num_features, prepared_bytes + feature_bytes
