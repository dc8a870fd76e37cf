"""The front door: what the user named → a source of images."""

import difflib
import os
import re
from pathlib import Path

from dcgan.data.sources import catalog, hub_sets
from dcgan.data.sources.containers import EXPECTED, open_file, open_folder
from dcgan.data.sources.items import Item, Selection, Source
from dcgan.data.sources.own_files import own_files
from dcgan.errors import ExitCode, UserError
from dcgan.pickles import refuse_pickle
from dcgan.settings.knobs import DataConfig

__all__ = ["Item", "Source", "open_source"]


def open_source(config: DataConfig) -> Source:
    """Open ``config.source``, a name of the catalog before a path, and keep ``config.classes`` alone.

    Raises:
        UserError: Nothing there, nothing that is an image, an unknown class, a download that failed.
    """
    source = (
        _open_named(config)
        if config.source in catalog.names()
        else hub_sets.open_set(config.source)
        if hub_sets.is_on_hub(config.source)
        else _open_path(config.source, follow=config.links == "follow")
    )
    if not source.items:
        source.close()
        refuse_pickle(Path(config.source).expanduser(), EXPECTED)
        found = "; ".join(f"{name}: {reason}" for name, reason in source.skipped[:10]) or "nothing at all"
        words = " ".join(["no images in it.", *source.remarks, f"Found {found}."])
        raise UserError(f"{config.source}: {words} Expected {EXPECTED}.", ExitCode.DATA)
    return _select(source, config.classes) if config.classes else source


def located(text: str) -> str:
    """The absolute path of a source that is a path; a data set of the hub with the revision that it has now.

    Names of the catalog, and what is not there, as they are.

    Raises:
        UserError: No such data set on the hub, or no connection.
    """
    if hub_sets.is_on_hub(text):
        return hub_sets.pinned(text)
    try:
        path = Path(text).expanduser()
        return text if text in catalog.names() or not path.exists() else str(path.absolute())
    except (OSError, RuntimeError, ValueError):
        return text


def is_named(text: str) -> bool:
    """Whether a source is the name of a data set, here or on the hub, and no path."""
    return text in catalog.names() or hub_sets.is_on_hub(text)


def _open_named(config: DataConfig) -> Source:
    """A data set of the catalog; a folder of that name is left alone, and said to be."""
    name = config.source
    is_shadowed = Path(name).is_dir() and not own_files([(path.name,) for path in Path(name).iterdir()])
    words = f"{name} is the data set of that name. To use the folder {name}, say ./{name}."
    try:
        source = catalog.open_named(config)
    except UserError as error:
        raise UserError(f"{words} {error}" if is_shadowed else str(error), error.exit_code) from error
    if is_shadowed:
        source.remarks = (words, *source.remarks)
    return source


def _open_path(text: str, *, follow: bool) -> Source:
    """A folder, or a file by its first bytes."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://|git@", text):
        file = text.rstrip("/").rsplit("/", 1)[-1] or "images.zip"
        raise UserError(
            f"{text}: an address, and nothing is fetched from addresses. Download it first (curl -LO {text}), "
            f"then name the file or folder: {file}.",
            ExitCode.DATA,
        )
    try:
        path = Path(text).expanduser()
        is_folder, is_file, is_something = path.is_dir(), path.is_file(), os.path.lexists(path)
    except (OSError, RuntimeError) as error:  # no permission to look, no such user
        raise UserError(f"{text}: cannot be opened ({error}).", ExitCode.DATA) from error
    if is_folder:
        return open_folder(path, follow=follow)
    if is_file:
        return open_file(path)
    if is_something:
        raise UserError(f"{text}: neither a folder nor a regular file. Expected {EXPECTED}.", ExitCode.DATA)
    nearest = difflib.get_close_matches(text, [*catalog.names(), *_neighbours(path, text)], n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise UserError(
        f"{text}: no such file or folder, and no data set of that name.{hint} Expected {EXPECTED}.", ExitCode.DATA
    )


def _neighbours(path: Path, text: str) -> list[str]:
    """What lies where the path leads, each spelt as the path is."""
    try:
        return [text[: len(text) - len(path.name)] + other.name for other in path.parent.iterdir()]
    except OSError:
        return []


def _select(source: Source, classes: tuple[str, ...]) -> Source:
    """Only these classes."""
    for name in classes:
        if name not in source.class_names:
            source.close()
            known = ", ".join(source.class_names[:20]) + (" …" if len(source.class_names) > 20 else "")
            nearest = difflib.get_close_matches(name, source.class_names, n=1)
            hint = (
                f"Did you mean {nearest[0]}?" if nearest else f"Known: {known}." if known else _why_no_classes(source)
            )
            raise UserError(f"--classes {name}: no such class in {source.name}. {hint}", ExitCode.DATA)
    return Selection(source, classes)


def _why_no_classes(source: Source) -> str:
    return next((remark for remark in source.remarks if "lasses" in remark), "There are none here.")
