"""Features of real images, and numbers that follow from them, are computed once: safetensors files in the cache."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from dcgan import files

_OURS = re.compile(r"[0-9a-f]{32}\.safetensors")


@dataclass(frozen=True)
class Key:
    """What decides the features: the images, and who looks at them."""

    fingerprint: str
    """Of the prepared data."""
    detector: str
    """Name and hash of the weights."""
    rows: str
    """Hash of the rows of the data that were looked at."""
    num_images: int

    @property
    def path(self) -> Path:
        """Where they lie."""
        words = "\n".join((self.fingerprint, self.detector, self.rows, str(self.num_images)))
        return _folder() / f"{hashlib.sha256(words.encode()).hexdigest()[:32]}.safetensors"


def save(key: Key, tensors: Mapping[str, Tensor]) -> None:
    """Keep tensors under a key.

    Raises:
        UserError: The disk is full, or the cache cannot be written.
    """
    content = safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})
    files.write_atomically(key.path, content)


def load(key: Key) -> dict[str, Tensor] | None:
    """What is kept under a key, or None: never seen, or no longer whole.

    Copied into memory of PyTorch's own: within the bytes of a file tensors begin anywhere, and sums over them could
    then differ in their last bits from process to process (``tensors.aligned``).
    """
    try:
        found = safetensors.torch.load(key.path.read_bytes())
    except (OSError, SafetensorError):
        return None
    return {name: tensor.clone() for name, tensor in found.items()}


def numbers_of(way: str, tensors: Sequence[Tensor], compute: Callable[[], Sequence[float]]) -> list[float]:
    """Numbers that follow from tensors alone, computed once.

    ``way``: how they follow, in words that change when it does.
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"\0{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    key = Key(digest.hexdigest(), way, "numbers", len(tensors))
    kept = load(key)
    if kept is not None and kept.keys() == {"numbers"}:
        found: list[float] = kept["numbers"].tolist()
        return found
    numbers = list(compute())
    save(key, {"numbers": torch.tensor(numbers, dtype=torch.float64)})
    return numbers


def clear() -> tuple[int, int]:
    """Remove all that is kept, and nothing that has another name than ours: files and bytes that are gone."""
    paths = [path for path in _folder().glob("*.safetensors") if _OURS.fullmatch(path.name) and not path.is_symlink()]
    sizes = [path.stat().st_size for path in paths]
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths), sum(sizes)


def _folder() -> Path:
    return files.cache_root() / "features"
