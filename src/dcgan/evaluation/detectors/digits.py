"""Which digit is it? The small classifier that counts the modes of Stacked-MNIST, trained by ``detectors/``."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.data.pixels import to_images
from dcgan.errors import UserError
from dcgan.evaluation.detectors import shipped
from dcgan.evaluation.detectors.network import chunks, resize
from dcgan.tensors import Images, Pixels

SIZE = 28


class DigitClassifier(nn.Module):
    """Images (n 1 h w, a light digit on black) → a logit for each digit (n 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 24, 3, padding=1)
        self.second = nn.Conv2d(24, 48, 3, padding=1)
        self.third = nn.Conv2d(48, 64, 3, padding=1)
        self.last = nn.Linear(64 * 9, 10)

    def forward(self, images: Images) -> Tensor:
        """Images of any size, −1 … 1."""
        maps: Tensor = resize(images, SIZE)
        for convolution in (self.first, self.second, self.third):
            maps = F.max_pool2d(torch.relu(convolution(maps)), 2)
        logits: Tensor = self.last(maps.flatten(1))
        return logits


class Digits:
    """The trained classifier. ``Digits()(pixels)`` reads each channel as an image of its own."""

    def __init__(self) -> None:
        self._network = DigitClassifier().eval()
        self._network.load_state_dict(shipped.load("digits"))

    @torch.inference_mode()
    def __call__(self, pixels: Pixels) -> Tensor:
        """Pixels (n c h w, uint8, light on dark, any size) → digits (n c, int64)."""
        if pixels.dtype != torch.uint8:
            raise UserError(f"Digits are read from images of 8 bits, not {pixels.dtype}.")
        count, channels, height, width = pixels.shape
        grey = pixels.cpu().reshape(count * channels, 1, height, width)
        found = [self._network(to_images(chunk)).argmax(1) for chunk in chunks(grey)]
        return torch.cat(found).reshape(count, channels)
