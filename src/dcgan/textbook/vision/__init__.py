"""What the chapter uses of torchvision: ``datasets.ImageFolder`` and four transforms, equal to it bit for bit."""

from dcgan.textbook.absent import refuse_other_names
from dcgan.textbook.vision import datasets, transforms

__all__ = ["datasets", "transforms"]

__getattr__ = refuse_other_names("torchvision")
