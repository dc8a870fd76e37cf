"""``mxnet.gluon.data``: a folder of images, the transforms, and batches."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dcgan.data.plain_bilinear import resized
from dcgan.textbook.absent import Part, refuse_other_names
from dcgan.textbook.gluon.arrays import Array, plain, wrapped

__all__ = ["DataLoader", "vision"]


class ImageFolderDataset:
    """Pairs of image (h w c, whole numbers to 255) and class number, from one folder a class.

    Only .jpg, .jpeg and .png directly in a class's folder count, sorted by class and name. A file beside the folders
    is warned of.
    """

    def __init__(self, root: str | Path, flag: int = 1, transform: Callable[..., Any] | None = None) -> None:
        if flag != 1 or transform is not None:
            raise NotImplementedError("ImageFolderDataset(flag=…, transform=…): not part of this chapter.")
        self.synsets: list[str] = []
        self.items: list[tuple[str, int]] = []
        for folder in sorted(Path(root).expanduser().iterdir()):
            if not folder.is_dir():
                warnings.warn(f"{folder} is left out: it is not in the folder of a class.", stacklevel=2)
                continue
            label = len(self.synsets)
            self.synsets.append(folder.name)
            names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
            self.items += [(str(folder / name), label) for name in names]

    def transform_first(self, fn: Callable[[Any], Any], lazy: bool = True) -> "Transformed":
        """Return the same pairs with a function applied to the image."""
        return Transformed(self, fn)

    def __getitem__(self, index: int) -> tuple[Array, int]:
        path, label = self.items[index]
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            clear = image.mode == "P" and isinstance(image.info.get("transparency"), bytes)
            pixels = np.array((image.convert("RGBA") if clear else image).convert("RGB"))
        return wrapped(torch.from_numpy(pixels)), label

    def __len__(self) -> int:
        return len(self.items)


class Transformed:
    """A data set whose first parts go through a function."""

    def __init__(self, dataset: Any, function: Callable[[Any], Any]) -> None:
        self._dataset, self._function = dataset, function

    def __getitem__(self, index: int) -> tuple[Any, int]:
        first, label = self._dataset[index]
        return self._function(first), label

    def __len__(self) -> int:
        return len(self._dataset)


class DataLoader:
    """Batches of a data set; the last one of an epoch is short."""

    def __init__(self, dataset: Any, batch_size: int, shuffle: bool = False, num_workers: int = 0) -> None:
        self._loader = torch.utils.data.DataLoader(
            dataset, batch_size, shuffle=shuffle, num_workers=num_workers, collate_fn=_stacked
        )

    def __iter__(self) -> Iterator[list[Array]]:
        for batch in self._loader:
            yield [wrapped(part) for part in batch]

    def __len__(self) -> int:
        return len(self._loader)


def _stacked(pairs: Sequence[tuple[Any, Any]]) -> tuple[Tensor, Tensor]:
    """One batch, as plain tensors: those travel between processes."""
    return torch.stack([plain(first) for first, _ in pairs]), torch.tensor([label for _, label in pairs])


class Compose:
    """Several transforms, one after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self._transforms = transforms

    def __call__(self, x: Any) -> Any:
        """Apply all."""
        for transform in self._transforms:
            x = transform(x)
        return x


class Resize:
    """Bring an image to a size, both sides the same if one number is given, without antialiasing, as OpenCV does."""

    def __init__(self, size: int | tuple[int, int]) -> None:
        self._width, self._height = (size, size) if isinstance(size, int) else size

    def __call__(self, x: Array) -> Array:
        """Return the image h w c at its new size."""
        return wrapped(torch.from_numpy(resized(x.asnumpy(), self._height, self._width)))


class ToTensor:
    """An image h w c of whole numbers becomes float32, c h w, 0 … 1."""

    def __call__(self, x: Array) -> Array:
        """Return the numbers."""
        return wrapped(plain(x).permute(2, 0, 1).contiguous().to(torch.float32).div(255))


class Normalize:
    """Subtract the mean and divide by the standard deviation."""

    def __init__(self, mean: float | Sequence[float] = 0.0, std: float | Sequence[float] = 1.0) -> None:
        self._mean, self._std = (torch.as_tensor(each, dtype=torch.float32).reshape(-1, 1, 1) for each in (mean, std))

    def __call__(self, x: Array) -> Array:
        """Return the shifted and scaled numbers."""
        return wrapped((plain(x) - self._mean) / self._std)


vision = Part(
    "mxnet.gluon.data.vision",
    datasets=Part("mxnet.gluon.data.vision.datasets", ImageFolderDataset=ImageFolderDataset),
    transforms=Part(
        "mxnet.gluon.data.vision.transforms", Compose=Compose, Resize=Resize, ToTensor=ToTensor, Normalize=Normalize
    ),
)

__getattr__ = refuse_other_names("mxnet.gluon.data")
