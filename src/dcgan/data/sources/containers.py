"""Recognises a folder, or a file of many images, by what is in it."""

from collections.abc import Callable
from pathlib import Path

from dcgan.data.decoding.formats import READ
from dcgan.data.sources import catalog
from dcgan.data.sources.archives import Zip
from dcgan.data.sources.arrays import open_npy, open_npz, open_tiff
from dcgan.data.sources.folders import Folder
from dcgan.data.sources.hdf5 import open_hdf5
from dcgan.data.sources.idx_and_cifar import find_idx, open_cifar10, open_idx
from dcgan.data.sources.items import Source
from dcgan.data.sources.lmdbs import DATA_FILE, Lmdb
from dcgan.data.sources.parquet import Parquet
from dcgan.data.sources.pixel_tables import open_csv
from dcgan.data.sources.tars import Tars
from dcgan.errors import ExitCode, UserError
from dcgan.foreign import is_regular, open_regular
from dcgan.pickles import refuse_pickle

EXPECTED = (
    f"a folder, .zip or .tar of images ({READ}), an .npy, .npz, .idx(.gz), .tiff, .csv, .parquet, .hdf5 or LMDB of "
    f"many, hf:user/name, or one of {', '.join(catalog.names())}"
)


def _open_gzip(path: Path) -> Source:
    """CIFAR-10's archive, or a compressed IDX file."""
    if path.name.lower().endswith((".tar.gz", ".tgz")):
        return open_cifar10(path)
    refuse_pickle(path, EXPECTED)
    return open_idx(path)


_BEGINNINGS: tuple[tuple[bytes, Callable[[Path], Source]], ...] = (
    (b"PK", lambda path: open_npz(path) if path.suffix.lower() == ".npz" else Zip(path)),
    (b"\x93NUMPY", open_npy),
    (b"\x1f\x8b", _open_gzip),
    (b"\0\0\x08", open_idx),
    (b"II*\0", open_tiff),
    (b"MM\0*", open_tiff),
    (b"II+\0", open_tiff),
    (b"MM\0+", open_tiff),
    (b"\x89HDF\r\n\x1a\n", open_hdf5),
    (b"PAR1", lambda path: Parquet([path])),
)
"""First bytes of a file of many images, and its reader."""
_ENDINGS: dict[str, Callable[[Path], Source]] = {".tar": lambda path: Tars([path]), ".csv": open_csv, ".mdb": Lmdb}
"""What only its name tells."""
_SHARDS: dict[str, Callable[[list[Path], str], Source]] = {
    ".parquet": lambda paths, name: Parquet(paths, name=name),
    ".tar": lambda paths, name: Tars(paths, name=name),
}
"""Files that lie in a folder as the parts of one set."""


def open_folder(path: Path, *, follow: bool) -> Source:
    """A folder of images; one without any may hold the shards of a set."""
    if idx := find_idx(path):
        return open_idx(idx, name=path.resolve().name)
    if is_regular(path / DATA_FILE):
        return Lmdb(path)
    folder = Folder(path, follow=follow)
    if not folder.items:
        for ending, open_shards in _SHARDS.items():
            if shards := _find_shards(path, ending):
                return open_shards(shards, path.resolve().name)
    return folder


def open_file(path: Path) -> Source:
    """A file of many images.

    Raises:
        UserError: It is none.
    """
    try:
        with open_regular(path) as file:
            beginning = file.read(512)
    except OSError as error:
        raise UserError(f"{path}: cannot be opened ({error.strerror}).", ExitCode.DATA) from error
    if beginning[257:262] == b"ustar":
        return Tars([path])
    for mark, reader in _BEGINNINGS:
        if beginning.startswith(mark):
            return reader(path)
    refuse_pickle(path, EXPECTED)
    if path.suffix.lower() in _ENDINGS:
        return _ENDINGS[path.suffix.lower()](path)
    raise UserError(f"{path}: not a file of many images. Expected {EXPECTED}.", ExitCode.DATA)


def _find_shards(folder: Path, ending: str) -> list[Path]:
    """Regular files that end so, in the folder or in those right below it, in the order of their names."""
    found = [*folder.glob(f"*{ending}"), *folder.glob(f"*/*{ending}")]
    return sorted(path for path in found if not path.name.startswith(".") and is_regular(path))
