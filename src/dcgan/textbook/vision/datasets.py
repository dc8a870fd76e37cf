"""A folder of image files with one sub-folder a class, in torchvision's order."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from torch.utils.data import Dataset

from dcgan.textbook.absent import refuse_other_names

__all__ = ["ImageFolder"]

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
FORMATS = ("PNG", "JPEG", "PPM", "BMP", "TIFF", "WEBP")


class ImageFolder(Dataset[tuple[Any, int]]):
    """Pairs of image and class number, sorted by class, folder and file name.

    ``transform`` is applied to the RGB image, ``target_transform`` to the class; both may be set later. Classes are
    the names of the sub-folders, sorted as text. Files of other kinds, and files outside of sub-folders, do not count.

    Raises:
        FileNotFoundError: No sub-folder, or one without any image.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        self.root = root
        self.transform = transform
        self.target_transform = target_transform
        self.classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        if not self.classes:
            raise FileNotFoundError(f"{root}: no sub-folders. Expected one sub-folder of images for each class.")
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}
        self.samples = [
            (path, number) for name, number in self.class_to_idx.items() for path in _images_in(Path(root, name))
        ]
        self.imgs = self.samples
        self.targets = [number for _, number in self.samples]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        path, target = self.samples[index]
        image: Any = _load(path)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"ImageFolder({str(self.root)!r}): {len(self)} images, {len(self.classes)} classes"


def _images_in(folder: Path) -> list[str]:
    """Return the paths of all images below a class's folder."""
    paths = [
        str(Path(parent, name))
        for parent, _, names in sorted(os.walk(folder, followlinks=True))
        for name in sorted(names)
        if name.lower().endswith(EXTENSIONS)
    ]
    if not paths:
        raise FileNotFoundError(f"{folder}: no images. Expected files that end in {', '.join(EXTENSIONS)}.")
    return paths


def _load(path: str) -> Image.Image:
    """Decode one file to RGB. Transparency is dropped, so that the colours beneath it appear."""
    with Image.open(path, formats=FORMATS) as opened:
        image: Image.Image = opened
        if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
            image = image.convert("RGBA")  # straight to RGB is the same, but Pillow warns of it
        return image.convert("RGB")


__getattr__ = refuse_other_names("torchvision.datasets")
