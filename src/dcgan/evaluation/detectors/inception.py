"""The network of the FID: Inception v3 as TensorFlow published it on 2015-12-05, up to its last average.

Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision" (arXiv 1512.00567), with the three
departures that the published weights were trained with: averages leave the padding out, the last block takes a
maximum where the one before it takes an average, and images are brought to 299 x 299 without antialiasing. Each
convolution has the batch normalisation behind it folded into its weights. Its 21.8 million weights cannot be
shipped here: ``detectors/convert_inception.py`` makes them of the published file.
"""

from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.errors import ExitCode, UserError
from dcgan.evaluation.detectors.network import NetworkDetector, digest_of
from dcgan.tensors import Features, Images

RESIZE = "299x299 bilinear without antialiasing"
RULE = f"inception 1: {RESIZE}"
_SIZE = 299


class Inception(nn.Module):
    """Images (n 3 h w) → features (n 2048), none negative."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _Convolution(3, 32, 3, stride=2, padding=0),  # 149
            _Convolution(32, 32, 3, padding=0),  # 147
            _Convolution(32, 64, 3),
            nn.MaxPool2d(3, stride=2),  # 73
            _Convolution(64, 80, 1),
            _Convolution(80, 192, 3, padding=0),  # 71
            nn.MaxPool2d(3, stride=2),  # 35
            _fine(192, 32),
            _fine(256, 64),
            _fine(288, 64),
            _halving(288),  # 17
            _middle(128),
            _middle(160),
            _middle(160),
            _middle(192),
            _halving_again(),  # 8
            _coarse(1280, _average()),
            _coarse(2048, nn.MaxPool2d(3, stride=1, padding=1)),
        )

    def forward(self, images: Images) -> Features:
        """Images of any size, −1 … 1."""
        large = F.interpolate(images, size=(_SIZE, _SIZE), mode="bilinear", align_corners=False)
        features: Tensor = self.layers(large).mean((2, 3))
        return features


def inception(path: Path) -> NetworkDetector:
    """The detector whose weights are in the file that ``detectors/convert_inception.py`` wrote.

    Raises:
        UserError: No such file, another file, or one whose tensors are not those that were converted.
    """
    network = Inception()
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(
            f"--detector inception:{path}: not the weights of Inception ({str(error).splitlines()[0]}). "
            "Make them of the published file with detectors/convert_inception.py.",
            ExitCode.DATA,
        ) from error
    if metadata.get("tensors_sha256") != tensors_hash(network):
        raise UserError(
            f"--detector inception:{path}: its tensors do not have the hash that they were written with. "
            "Convert the published file again.",
            ExitCode.DATA,
        )
    return NetworkDetector("inception", digest_of(RULE, network), network, resize=RESIZE)


def tensors_hash(network: Inception) -> str:
    """What the converter writes beside the tensors."""
    return digest_of("inception tensors", network)


class _Convolution(nn.Module):
    """Convolution, batch normalisation folded into it, ReLU; keeps the size unless told otherwise."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | None = None,
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        around = (height // 2, width // 2) if padding is None else padding
        self.convolution = nn.Conv2d(in_channels, out_channels, (height, width), stride, around)

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.convolution(maps), inplace=True)


class _Parallel(nn.Module):
    """Several ways side by side; their channels one after the other."""

    def __init__(self, *ways: nn.Module) -> None:
        super().__init__()
        self.ways = nn.ModuleList(ways)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([way(maps) for way in self.ways], dim=1)


def _average() -> nn.Module:
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


def _chain(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers)


def _fine(channels: int, pooled: int) -> nn.Module:
    """Figure 5 of the paper, at 35 x 35, with one 5 x 5 kept."""
    return _Parallel(
        _Convolution(channels, 64, 1),
        _chain(_Convolution(channels, 48, 1), _Convolution(48, 64, 5)),
        _chain(_Convolution(channels, 64, 1), _Convolution(64, 96, 3), _Convolution(96, 96, 3)),
        _chain(_average(), _Convolution(channels, pooled, 1)),
    )


def _halving(channels: int) -> nn.Module:
    """35 → 17."""
    return _Parallel(
        _Convolution(channels, 384, 3, stride=2, padding=0),
        _chain(_Convolution(channels, 64, 1), _Convolution(64, 96, 3), _Convolution(96, 96, 3, stride=2, padding=0)),
        nn.MaxPool2d(3, stride=2),
    )


def _middle(inner: int) -> nn.Module:
    """Figure 6, at 17 x 17: 7 x 7 as rows and columns."""
    return _Parallel(
        _Convolution(768, 192, 1),
        _chain(_Convolution(768, inner, 1), _Convolution(inner, inner, (1, 7)), _Convolution(inner, 192, (7, 1))),
        _chain(
            _Convolution(768, inner, 1),
            _Convolution(inner, inner, (7, 1)),
            _Convolution(inner, inner, (1, 7)),
            _Convolution(inner, inner, (7, 1)),
            _Convolution(inner, 192, (1, 7)),
        ),
        _chain(_average(), _Convolution(768, 192, 1)),
    )


def _halving_again() -> nn.Module:
    """17 → 8."""
    return _Parallel(
        _chain(_Convolution(768, 192, 1), _Convolution(192, 320, 3, stride=2, padding=0)),
        _chain(
            _Convolution(768, 192, 1),
            _Convolution(192, 192, (1, 7)),
            _Convolution(192, 192, (7, 1)),
            _Convolution(192, 192, 3, stride=2, padding=0),
        ),
        nn.MaxPool2d(3, stride=2),
    )


def _coarse(channels: int, pool: nn.Module) -> nn.Module:
    """Figure 7, at 8 x 8: rows and columns side by side."""

    def split() -> nn.Module:
        return _Parallel(_Convolution(384, 384, (1, 3)), _Convolution(384, 384, (3, 1)))

    return _Parallel(
        _Convolution(channels, 320, 1),
        _chain(_Convolution(channels, 384, 1), split()),
        _chain(_Convolution(channels, 448, 1), _Convolution(448, 384, 3), split()),
        _chain(pool, _Convolution(channels, 192, 1)),
    )
