"""The front door: what the user named → a source of images."""

import difflib
import os
import re
from pathlib import Path

from dcgan.data.decoding.formats import READ
from dcgan.data.sources import catalog
from dcgan.data.sources.archives import Zip
from dcgan.data.sources.arrays import open_npy, open_npz, open_tiff
from dcgan.data.sources.folders import Folder
from dcgan.data.sources.idx_and_cifar import find_idx, open_cifar10, open_idx
from dcgan.data.sources.items import Item, Selection, Source
from dcgan.data.sources.own_files import own_files
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import open_regular
from dcgan.pickles import refuse_pickle
from dcgan.settings.knobs import DataConfig

__all__ = ["Item", "Source", "open_source"]

_EXPECTED = (
    f"a folder or .zip of images ({READ}), an .npy, .npz, .idx(.gz) or .tiff of many, "
    f"or one of {', '.join(catalog.names())}"
)


def open_source(config: DataConfig) -> Source:
    """Open ``config.source``, a name of the catalog before a path, and keep ``config.classes`` alone.

    Raises:
        UserError: Nothing there, nothing that is an image, an unknown class, a download that failed.
    """
    source = (
        _open_named(config)
        if config.source in catalog.names()
        else _open_path(config.source, follow=config.links == "follow")
    )
    if not source.items:
        source.close()
        refuse_pickle(Path(config.source).expanduser(), _EXPECTED)
        found = "; ".join(f"{name}: {reason}" for name, reason in source.skipped[:10]) or "nothing at all"
        words = " ".join(["no images in it.", *source.remarks, f"Found {found}."])
        raise UserError(f"{config.source}: {words} Expected {_EXPECTED}.", ExitCode.DATA)
    return _select(source, config.classes) if config.classes else source


def located(text: str) -> str:
    """The absolute path of a source that is a path; names of the catalog, and what is not there, as they are."""
    try:
        path = Path(text).expanduser()
        return text if text in catalog.names() or not path.exists() else str(path.absolute())
    except (OSError, RuntimeError, ValueError):
        return text


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
        idx = find_idx(path)
        return open_idx(idx, name=path.resolve().name) if idx else Folder(path, follow=follow)
    if is_file:
        return _open_file(path)
    if is_something:
        raise UserError(f"{text}: neither a folder nor a regular file. Expected {_EXPECTED}.", ExitCode.DATA)
    nearest = difflib.get_close_matches(text, [*catalog.names(), *_neighbours(path, text)], n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise UserError(
        f"{text}: no such file or folder, and no data set of that name.{hint} Expected {_EXPECTED}.", ExitCode.DATA
    )


def _neighbours(path: Path, text: str) -> list[str]:
    """What lies where the path leads, each spelt as the path is."""
    try:
        return [text[: len(text) - len(path.name)] + other.name for other in path.parent.iterdir()]
    except OSError:
        return []


def _open_file(path: Path) -> Source:
    """A file of many images."""
    try:
        with open_regular(path) as file:
            beginning = file.read(8)
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    if beginning.startswith(b"PK"):
        return open_npz(path) if path.suffix.lower() == ".npz" else Zip(path)
    if beginning.startswith(b"\x93NUMPY"):
        return open_npy(path)
    if beginning.startswith(b"\x1f\x8b"):
        if path.name.lower().endswith((".tar.gz", ".tgz")):
            return open_cifar10(path)
        refuse_pickle(path, _EXPECTED)
        return open_idx(path)
    if beginning.startswith(b"\0\0\x08"):
        return open_idx(path)
    if beginning.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return open_tiff(path)
    refuse_pickle(path, _EXPECTED)
    raise UserError(f"{path}: not a file of many images. Expected {_EXPECTED}.", ExitCode.DATA)


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
