"""A network as a detector: fixed chunks, so that a feature never depends on its neighbours."""

import hashlib

import torch
from torch import nn
from torch.nn import functional as F

from dcgan.data.pixels import to_images
from dcgan.errors import UserError
from dcgan.tensors import Features, Images, Pixels, as_features

_CHUNK = 64
_SMALLEST, _LARGEST = 8, 1024


class NetworkDetector:
    """Runs a network on the CPU in fp32, on 64 images at a time; the last chunk is filled up with black.

    The network maps images (n 3 h w, −1 … 1) to features (n d), its own resize included. A grey image goes in as
    three equal channels.
    """

    def __init__(self, name: str, digest: str, network: nn.Module, *, resize: str) -> None:
        self.name, self.digest, self.resize = name, digest, resize
        self._network = network.eval()

    @torch.inference_mode()
    def __call__(self, pixels: Pixels) -> Features:
        """Pixels n c h w, uint8, c = 1 or 3, 8 to 1024 pixels a side → features n d."""
        self._check(pixels)
        return torch.cat([self._features(chunk) for chunk in chunks(pixels)])

    def _features(self, pixels: Pixels) -> Features:
        images = to_images(pixels.cpu()).expand(-1, 3, -1, -1)
        count = len(images)
        full = F.pad(images, (0, 0, 0, 0, 0, 0, 0, _CHUNK - count), value=-1.0)
        features: Features = self._network(full.contiguous(memory_format=torch.channels_last))
        return as_features(features[:count].float(), count)

    def _check(self, pixels: Pixels) -> None:
        _, channels, height, width = pixels.shape
        if pixels.dtype != torch.uint8:
            raise UserError(f"--detector {self.name}: reads 8 bits, not {pixels.dtype}. {self._advice('-16bit')}")
        if channels not in (1, 3):
            raise UserError(
                f"--detector {self.name}: reads 1 or 3 channels, not {channels}. {self._advice(f'-{channels}ch')}"
            )
        if min(height, width) < _SMALLEST or max(height, width) > _LARGEST:
            raise UserError(
                f"--detector {self.name}: {width}x{height} images. Expected {_SMALLEST} to {_LARGEST} pixels a side."
            )

    def _advice(self, suffix: str) -> str:
        base = "tiny" if self.name == "inception" else self.name
        return f"Take --detector {base}{suffix}."


def chunks(pixels: Pixels) -> tuple[Pixels, ...]:
    """At most 64 images each, in order."""
    return torch.split(pixels, _CHUNK)


def resize(images: Images, size: int) -> Images:
    """Bilinear with antialiasing to ``size`` x ``size``, pixel centres aligned, proportions given up."""
    if images.shape[-2:] == (size, size):
        return images
    return F.interpolate(images, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


def digest_of(rule: str, network: nn.Module | None = None) -> str:
    """Sha256 of a rule in words and of a network's tensors, in the order of their names."""
    digest = hashlib.sha256(rule.encode())
    if network is not None:
        for name, tensor in sorted(network.state_dict().items()):
            digest.update(f"\0{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.float().contiguous().numpy().tobytes())
    return digest.hexdigest()
