"""Reads images from HDF5, as BigGAN's tools write them: ``imgs`` n c h w and ``labels``; other names as they come."""

from pathlib import Path
from typing import Any, NoReturn, final

import numpy as np

from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.sources.arrays import Arrays, has_channels_first
from dcgan.data.sources.items import Source, printable
from dcgan.errors import ExitCode, UserError

_IMAGES = ("imgs", "images", "x", "X", "x_train", "data", "image")
_LABELS = ("labels", "label", "y", "Y", "y_train", "ans", "targets")
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
_CHUNK_BYTES = 256_000_000  # of one chunk, and of those that are kept in memory
_EXPECTED = "a dataset imgs or images of uint8, n x channels x height x width or n x height x width x channels"


@final
class _Stack:
    """The images of a dataset, n h w c or n h w, each read when it is asked for."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self.dtype = np.dtype(dataset.dtype)
        shape = tuple(map(int, dataset.shape))
        self._turned = len(shape) == 4 and has_channels_first(shape)
        self.shape = (shape[0], *shape[2:], shape[1]) if self._turned else shape
        self.ndim = len(shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        image = self._dataset[index]
        return image.transpose(1, 2, 0) if self._turned else image


def open_hdf5(path: Path) -> Source:
    """The images of one file; nothing that it says lies in another file is looked at.

    Raises:
        UserError: No such dataset, one in a form that is not read, or without the extra.
    """
    try:
        import h5py  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise UserError(f"{path}: HDF5 needs h5py: pip install 'dcgan[hdf5]'.") from error
    file = None
    try:
        file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_BYTES, locking=False)
        names = {name: file.get(name, getlink=True) for name in list(file)[:1000]}
        own = [name for name, link in names.items() if isinstance(link, h5py.HardLink)]
        images = next((name for name in _IMAGES if name in own and isinstance(file[name], h5py.Dataset)), None)
        if images is None:
            _refuse(path, f"holds {', '.join(map(printable, names)) or 'nothing'}", _EXPECTED)
        labels = next((name for name in _LABELS if name in own and isinstance(file[name], h5py.Dataset)), None)
        stack = _Stack(_checked(path, file[images]))
        return Arrays(
            path,
            [(stack, np.asarray(_checked(path, file[labels])[:]) if labels else None)],
            form="HDF5",
            close=file.close,
            skipped=[(printable(name), "not read") for name in names if name not in (images, labels)],
        )
    except UserError:
        _close(file)
        raise
    except Exception as error:  # hostile bytes make the library raise anything
        _close(file)
        _refuse(path, f"damaged ({printable(str(error))[:100]})", _EXPECTED)


def _checked(path: Path, dataset: Any) -> Any:
    """The dataset, unless it lies elsewhere, needs code of others, or claims more than the file can hold."""
    name = printable(dataset.name)
    if dataset.is_virtual or dataset.external:
        _refuse(path, f"{name} lies in other files", "a file that holds its images itself")
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    if foreign := [number for number in filters if number not in _FILTERS]:
        _refuse(path, f"{name} is packed by filter {foreign[0]}", f"one of {', '.join(_FILTERS.values())}, or none")
    if is_bomb(int(dataset.size) * dataset.dtype.itemsize, dataset.id.get_storage_size()):
        _refuse(path, f"{name} claims {dataset.size:,} numbers in {dataset.id.get_storage_size():,} bytes", "no bomb")
    chunk = int(np.prod(dataset.chunks or (0,), dtype=object)) * dataset.dtype.itemsize
    if chunk > _CHUNK_BYTES:
        _refuse(path, f"{name} has chunks of {chunk:,} bytes", f"at most {_CHUNK_BYTES:,}")
    return dataset


def _close(file: Any) -> None:
    if file is not None:
        file.close()


def _refuse(path: Path, given: str, expected: str) -> NoReturn:
    raise UserError(f"{path}: {given}. Expected: {expected}.", ExitCode.DATA)
