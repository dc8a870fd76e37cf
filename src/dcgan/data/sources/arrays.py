"""Images that come as one array: .npy, .npz, a stack of pages in a TIFF."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol, final

import numpy as np

from dcgan.data.decoding import tiff
from dcgan.data.decoding.bombs import is_bomb
from dcgan.data.sources.items import Decoded, Item, Source, Unreadable, printable
from dcgan.errors import ExitCode, UserError
from dcgan.pickles import LOOK, is_pickle, refuse_pickle

BYTES_AN_IMAGE = 8  # of a file, at the very least where there are many: each is remembered by name
FEW_IMAGES = 10_000
_SPLITS = (
    (("x_train", "train_images"), ("y_train", "train_labels")),
    (("x_test", "test_images"), ("y_test", "test_labels")),
)
_HINTS = {
    "f": "(images * 255).round().astype('uint8') if they lie in 0 … 1",
    "b": "images.astype('uint8') * 255",
}
_LABELS = ("y", "label", "labels", "targets")


class Stack(Protocol):
    """Images n h w or n h w c: an array, or what reads one image when it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As an array's."""

    @property
    def dtype(self) -> np.dtype:
        """As an array's."""

    @property
    def ndim(self) -> int:
        """As an array's."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


LabelledImages = tuple[Stack, np.ndarray | None]
"""Images, and one label for each or None."""


@final
class Arrays(Source):
    """Numbered images: those of the training split, then those of the official test split if there is one.

    Raises:
        UserError: A wrong type or shape, or not one label for each image.
    """

    def __init__(
        self,
        path: Path,
        splits: Sequence[LabelledImages],
        *,
        class_names: Sequence[str] = (),
        skipped: Sequence[tuple[str, str]] = (),
        name: str = "",
        mode: str = "array",
        form: str = "",
        close: Callable[[], None] | None = None,
    ) -> None:
        """``mode`` and ``form`` as in ``Decoded`` and ``Source``; ``close`` lets go of an open file."""
        for images, labels in splits:
            _check(path, images, labels)
        numbers, class_names = _number_labels(path, splits, class_names)
        self._images = [images for images, _ in splits]
        self._starts = np.cumsum([0, *map(len, self._images)])
        self._mode = mode
        count, status = int(self._starts[-1]), path.stat()
        if count > max(FEW_IMAGES, status.st_size / BYTES_AN_IMAGE):
            _refuse(path, f"{count:,} images in {status.st_size:,} bytes", "images that could be told apart")
        stamp, digits = f"{status.st_size}:{status.st_mtime_ns}", len(str(count - 1))
        items = [
            Item(
                f"{index:0{digits}}",
                f"{stamp}:{index}",
                numbers[index] if numbers else None,
                index >= len(splits[0][0]),
            )
            for index in range(count)
        ]
        super().__init__(name or path.name.split(".")[0], items, class_names=class_names, skipped=skipped, form=form)
        self._close = close

    def read(self, index: int) -> Decoded:
        """One image of the stack."""
        split = int(np.searchsorted(self._starts, index, side="right")) - 1
        image = self._images[split][index - self._starts[split]]
        image = image[:, :, None] if image.ndim == 2 else image
        return Decoded(np.array(image, dtype=image.dtype.newbyteorder("=")), self._mode)

    def close(self) -> None:
        """Let go of an open file."""
        if self._close is not None:
            self._close()


def open_npy(path: Path) -> Source:
    """One array, left on disk until its images are asked for."""
    with path.open("rb") as file:
        shape, dtype = _header(path, file)
        _check_size(path, shape, dtype, path.stat().st_size - file.tell())
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # what the header promises and NumPy cannot do
        _refuse(path, f"not a NumPy array ({printable(str(error))[:100]})", "np.save of uint8 or uint16 images")
    return Arrays(path, [(array, None)])


def open_npz(path: Path) -> Source:
    """``x_train``, ``y_train``, ``x_test``, ``y_test``; or a single array of images, and perhaps ``labels``."""
    refuse_pickle(path, "an .npz of plain arrays")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {info.filename.removesuffix(".npy").lower(): info for info in archive.infolist()}
            splits = _choose(path, infos)
            for name in [name for split in splits for name in split if name]:
                _check_member(path, archive, infos[name])
            unused = sorted(set(infos) - {name for split in splits for name in split})
            arrays = [
                (_read_member(archive, infos[images]), _read_member(archive, infos[labels]) if labels else None)
                for images, labels in splits
            ]
    except UserError:
        raise
    except Exception as error:  # hostile bytes make zipfile raise anything
        _refuse(path, f"damaged ({error})", "an .npz of plain arrays")
    skipped = [(printable(name), "another array of the file") for name in unused]
    kept: list[LabelledImages] = []
    for (images, labels), (_, name) in zip(arrays, splits, strict=True):
        classes = None if labels is None or len(np.atleast_1d(labels)) != len(images) else _classes_or_why_not(labels)
        if isinstance(classes, str):
            skipped.append((printable(name), classes))
        kept.append((images, labels if classes is None else None if isinstance(classes, str) else classes))
    return Arrays(path, kept, skipped=sorted(skipped))


def open_tiff(path: Path) -> Source:
    """The pages of one TIFF."""
    try:
        with path.open("rb") as file:
            stack = tiff.read(file, path.stat().st_size)
    except Unreadable as error:
        raise UserError(f"{path}: {error}.", ExitCode.DATA) from error
    except Exception as error:  # hostile bytes make tifffile raise anything
        _refuse(path, f"damaged ({printable(str(error))[:100]})", "a TIFF")
    return Arrays(path, [(stack.pixels, None)], mode=stack.mode)


def _choose(path: Path, infos: Mapping[str, object]) -> list[tuple[str, str]]:
    """The names of (images, labels) of each split; "" for no labels."""

    def first(candidates: Sequence[str]) -> str:
        return next((name for name in candidates if name in infos), "")

    if first(_SPLITS[0][0]):
        return [(first(images), first(labels)) for images, labels in _SPLITS if first(images)]
    others = [name for name in infos if name not in _LABELS]
    if len(others) != 1:
        _refuse(
            path,
            f"arrays {', '.join(map(printable, infos)) or 'none'}",
            "x_train (y_train, x_test, y_test), or one array",
        )
    return [(others[0], first(_LABELS))]


def _check_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Refuse what is no plain array, or claims to be larger than its bytes could be, before making room for it."""
    if is_bomb(info.file_size, info.compress_size):
        _refuse(
            path, f"{printable(info.filename)} of {info.file_size:,} bytes in {info.compress_size:,}", "no zip bomb"
        )
    with archive.open(info) as file:
        shape, dtype = _header(path, file)
        _check_size(path, shape, dtype, info.file_size - file.tell())


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """An array whose header was checked."""
    with archive.open(info) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that a .npy declares; Python objects are refused here, their pickle never being read."""
    beginning = file.read(LOOK)
    file.seek(0)
    if is_pickle(beginning):
        _refuse_objects(path)
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError(f"version {version[0]}.{version[1]}")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except Exception as error:  # NumPy lets its own tokenizer's errors through
        _refuse(path, f"not a NumPy array ({printable(str(error))[:100]})", "np.save of uint8 or uint16 images")
    if dtype.hasobject:
        _refuse_objects(path)
    return shape, dtype


def _refuse_objects(path: Path) -> NoReturn:
    raise UserError(
        f"{path}: contains Python objects (a pickle), which can run any code, and was not opened. "
        "Save plain numbers: np.save(path, images.astype('uint8')).",
        ExitCode.UNSAFE,
    )


def _check_size(path: Path, shape: tuple[int, ...], dtype: np.dtype, num_bytes: int) -> None:
    """Refuse a header that promises more than the file has."""
    declared = dtype.itemsize
    for size in shape:
        declared *= size  # Python's integers cannot overflow
    if declared > num_bytes or any(size < 0 for size in shape):
        _refuse(path, f"cut off: {' x '.join(map(str, shape))} {dtype} in {num_bytes:,} bytes", f"{declared:,} bytes")


def _check(path: Path, images: Stack, labels: np.ndarray | None) -> None:
    """Refuse what are not n images of 8 or 16 bits with a label each."""
    what = f"{' x '.join(map(str, images.shape))} {images.dtype}"
    if images.dtype.newbyteorder("=") not in (np.uint8, np.uint16):
        hint = _HINTS.get(images.dtype.kind, "images.astype(...)")
        _refuse(path, what, f"uint8 or uint16: {hint}")
    if images.ndim == 4 and has_channels_first(images.shape):
        _refuse(path, what, "the channels last: images.transpose(0, 2, 3, 1)")
    if images.ndim not in (3, 4) or (images.ndim == 3 and images.shape[2] <= 4) or 0 in images.shape:
        _refuse(path, what, "n x height x width or n x height x width x channels")
    if labels is not None and (labels.ndim == 0 or labels.size != len(images) or labels.shape[0] != labels.size):
        _refuse(
            path,
            f"labels {' x '.join(map(str, labels.shape))} {labels.dtype}",
            f"one number or name for each of {what}",
        )


def has_channels_first(shape: tuple[int, ...]) -> bool:
    """Whether n c h w is likelier than n h w c: nobody's images are four pixels high, or as wide as deep."""
    _, first, second, last = shape
    return first <= 4 < last or second == last > max(4, first)


def _classes_or_why_not(labels: np.ndarray) -> np.ndarray | str:
    """Labels as one whole number or text for each image, or why they are no classes."""
    if labels.ndim == 0 or labels.size != len(labels):
        return f"{labels.size // max(len(labels), 1) if labels.ndim else 1} numbers an image, not classes"
    flat = labels.reshape(-1)
    if flat.dtype.kind == "f" and np.isfinite(flat).all() and (flat == flat.round()).all():
        return flat.astype(np.int64)
    if flat.dtype.kind in "iubU":
        return flat
    return f"{flat.dtype}, neither whole numbers nor text"


def _number_labels(
    path: Path, splits: Sequence[LabelledImages], class_names: Sequence[str]
) -> tuple[list[int], Sequence[str]]:
    """A class number for each image, all splits together, and the names; nothing unless every split has labels."""
    given = [labels.reshape(-1) for _, labels in splits if labels is not None]
    if len(given) < len(splits):
        return [], ()
    labels = np.concatenate(given)
    values, numbers = np.unique(labels, return_inverse=True)
    if not class_names:
        return numbers.tolist(), [printable(str(value)) for value in values]
    if values[0] < 0 or values[-1] >= len(class_names):
        _refuse(path, f"labels from {values[0]} to {values[-1]}", f"0 to {len(class_names) - 1}")
    return labels.astype(int).tolist(), class_names


def _refuse(path: Path, given: str, expected: str) -> NoReturn:
    raise UserError(f"{path}: {given}. Expected: {expected}.", ExitCode.DATA)
