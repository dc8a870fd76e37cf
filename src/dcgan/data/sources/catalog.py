"""Named data sets: where they are, how to know them again, under which licence, how to read them.

Nothing is fetched unless asked for by name. The files are taken from ``DCGAN_DATASETS/<name>/`` if all are there, else
each from the cache, else from its address; what comes from there must have the published hash.
"""

import hashlib
import http.client
import os
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from dcgan import files
from dcgan.data.sources import critters
from dcgan.data.sources.archives import Zip
from dcgan.data.sources.arrays import Arrays
from dcgan.data.sources.idx_and_cifar import open_cifar10, open_idx, read_idx
from dcgan.data.sources.items import Decoded, Item, Source
from dcgan.errors import ExitCode, UserError
from dcgan.settings.knobs import DataConfig

_MAX_BYTES = 1_000_000_000
_SECONDS = 30


@dataclass(frozen=True)
class Download:
    """A file at an address."""

    address: str
    algorithm: str
    """Of the published hash: md5 or sha1."""
    digest: str
    num_bytes: int | None = None
    """None: not published."""

    @property
    def name(self) -> str:
        """Its file name."""
        return self.address.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Entry:
    """A named data set."""

    folder: str
    """Of its files, in the cache and in ``DCGAN_DATASETS``."""
    downloads: tuple[Download, ...]
    licence: str
    open: Callable[[Sequence[Path]], Source]
    """Reads it from its files, in the order of ``downloads``."""


def names() -> tuple[str, ...]:
    """Every name there is."""
    return ("critters", *ENTRIES)


def open_named(config: DataConfig) -> Source:
    """Open the data set that ``config.source`` names, fetching its files if they are nowhere near.

    Raises:
        UserError: No network, or not the file that was published.
    """
    if config.source == "critters":
        return Critters(config.height, config.width)
    entry = ENTRIES[config.source]
    if root := os.environ.get("DCGAN_DATASETS"):
        paths = [Path(root) / entry.folder / download.name for download in entry.downloads]
        if all(path.is_file() for path in paths):
            return entry.open(paths)
    return entry.open([fetch(download, config.source, entry.folder) for download in entry.downloads])


def fetch(download: Download, name: str, folder: str) -> Path:
    """The path of a file of a named data set in the cache, downloaded if need be.

    Raises:
        UserError: No network, or not the file that was published.
    """
    return fetch_to(download, name, files.cache_root() / "downloads" / folder / download.name)


def fetch_to(download: Download, name: str, path: Path) -> Path:
    """The path, where the file is now: it is downloaded if nothing is there.

    Raises:
        UserError: No network, or not the file that was published.
    """
    if path.is_file():
        return path
    files.require_space(path.parent, download.num_bytes or 0, f"downloading {name}")
    content = _get(download, name, path)
    digest = hashlib.new(download.algorithm, content, usedforsecurity=False).hexdigest()
    if digest != download.digest:
        raise UserError(
            f"{download.address}: not the published file ({download.algorithm} {digest}, expected {download.digest}); "
            f"nothing was kept. {_instead(path)}",
            ExitCode.DATA,
        )
    files.write_atomically(path, content)
    return path


def _get(download: Download, name: str, cached: Path) -> bytes:
    """What is at an address."""
    try:
        with urllib.request.urlopen(download.address, timeout=_SECONDS) as response:
            content: bytes = response.read(_MAX_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"{name}: {download.address} could not be fetched ({reason}). {_instead(cached)}", ExitCode.DATA
        ) from error
    return content


def _instead(cached: Path) -> str:
    """What to do without the network."""
    return (
        f"Fetch it elsewhere and put it at {cached}, or give a folder, zip or array of your own: "
        f"dcgan train path/to/{cached.name}. Without any download: dcgan train critters."
    )


@final
class Critters(Source):
    """The built-in creatures, drawn at the size that is wanted."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)
        code = hashlib.blake2b(critters.draw(0, height, width).tobytes(), digest_size=8).hexdigest()
        items = [
            Item(f"critter {index:05}", f"{height}x{width}:{code}:{index}", critters.label(index))
            for index in range(critters.NUM_CRITTERS)
        ]
        super().__init__("critters", items, class_names=critters.CLASS_NAMES)

    def read(self, index: int) -> Decoded:
        """Draw one."""
        return Decoded(critters.draw(index, *self._size), "RGBA")


@final
class StackedMnist(Source):
    """60,000 fixed triples of MNIST's training digits, one in each colour channel, padded to 32 x 32.

    The class is the three digits read as a number: 1,000 modes that a generator can be seen to miss (Metz et al. 2017,
    "Unrolled generative adversarial networks"). Everybody draws triples of their own; these are words of Philox with
    key 0, three for each image, modulo 60,000.
    """

    def __init__(self, digits: np.ndarray, labels: np.ndarray) -> None:
        words = np.random.Philox(key=0).random_raw(3 * 60_000)
        self._digits = digits
        self._triples = (words % np.uint64(len(digits))).astype(np.int64).reshape(-1, 3)
        numbers = labels.astype(np.int64)[self._triples] @ np.array([100, 10, 1])
        code = hashlib.blake2b(digits.tobytes() + labels.tobytes(), digest_size=8).hexdigest()
        items = [Item(f"{index:05}", f"{code}:{index}", label) for index, label in enumerate(numbers.tolist())]
        super().__init__("stacked-mnist", items, class_names=[f"{number:03}" for number in range(1000)])

    def read(self, index: int) -> Decoded:
        """Stack three digits."""
        stacked = self._digits[self._triples[index]].transpose(1, 2, 0)
        return Decoded(np.pad(stacked, ((2, 2), (2, 2), (0, 0))), "RGB")


def _stacked_mnist(paths: Sequence[Path]) -> Source:
    """Check MNIST's arrays before anything is drawn from them."""
    digits, labels = read_idx(paths[0]), read_idx(paths[1])
    Arrays(paths[0], [(digits, labels)], class_names=[str(digit) for digit in range(10)])  # refuses what does not fit
    if digits.shape[1:] != (28, 28):
        raise UserError(
            f"{paths[0]}: digits of {digits.shape[1]} x {digits.shape[2]}, expected 28 x 28.", ExitCode.DATA
        )
    return StackedMnist(digits, labels)


_CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_MNIST_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_FASHION_ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_MNIST = (
    Download(_MNIST_ADDRESS + "train-images-idx3-ubyte.gz", "md5", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
    Download(_MNIST_ADDRESS + "train-labels-idx1-ubyte.gz", "md5", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
    Download(_MNIST_ADDRESS + "t10k-images-idx3-ubyte.gz", "md5", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    Download(_MNIST_ADDRESS + "t10k-labels-idx1-ubyte.gz", "md5", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
)
_FASHION = (
    Download(_FASHION_ADDRESS + "train-images-idx3-ubyte.gz", "md5", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
    Download(_FASHION_ADDRESS + "train-labels-idx1-ubyte.gz", "md5", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
    Download(_FASHION_ADDRESS + "t10k-images-idx3-ubyte.gz", "md5", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    Download(_FASHION_ADDRESS + "t10k-labels-idx1-ubyte.gz", "md5", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
)
_POKEMON = Download(
    "http://d2l-data.s3-accelerate.amazonaws.com/pokemon.zip", "sha1", "c065c0e2593b8b161a2d7873e42418bf6a21106c"
)
_CIFAR = Download(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "md5", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171
)
ENTRIES = {
    "pokemon": Entry("pokemon", (_POKEMON,), "(c) The Pokémon Company", lambda paths: Zip(paths[0])),
    "fashion-mnist": Entry(
        "fashion-mnist", _FASHION, "MIT", lambda paths: open_idx(paths[0], name="fashion-mnist", class_names=_CLOTHES)
    ),
    "mnist": Entry("mnist", _MNIST, "CC BY-SA 3.0", lambda paths: open_idx(paths[0], name="mnist")),
    "stacked-mnist": Entry("mnist", _MNIST[:2], "CC BY-SA 3.0", _stacked_mnist),
    "cifar10": Entry(
        "cifar10",
        (_CIFAR,),
        "none stated; cite Krizhevsky 2009",
        lambda paths: open_cifar10(paths[0], name="cifar10", class_names=_CIFAR10),
    ),
}
