"""Detectors: pixels become the features that distances compare, without a download.

A detector owns its resize, its normalisation and its batches, so that a number depends on the pixels alone: not on
who asked, not on how many images came at once.
"""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from dcgan.errors import UserError
from dcgan.evaluation.detectors import random_filters, shipped, tiny
from dcgan.evaluation.detectors.inception import inception
from dcgan.evaluation.detectors.network import NetworkDetector, chunks, digest_of
from dcgan.files import user_path
from dcgan.tensors import Features, Pixels

DEFAULT_DETECTORS = ("tiny", "second")
"""Measured with where none is asked for: what both agree on can be trusted."""
_FORMS = re.compile(r"(?P<base>[a-z]+)(?:-(?P<channels>[1-9]\d*)ch)?(?P<deep>-16bit)?")
_FUNCTION = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<function>\w+)")
_INCEPTION = "inception:"
_KNOWN = (
    "tiny or second, either with -Nch (channels seen one by one) and -16bit behind it, inception:FILE.safetensors "
    "or package.module:function"
)


class Detector(Protocol):
    """Pixels (n c h w, uint8, c = 1 or 3 unless the name says otherwise, any size) → features (n d, float32, CPU).

    The same pixels give the same features whatever the batch they come in.
    """

    @property
    def name(self) -> str:
        """Part of a measurement's name: as ``detector`` takes it, the file of ``inception`` left out."""

    @property
    def digest(self) -> str:
        """Hash of all that decides the features: equal digests, equal features. For caches."""

    @property
    def resize(self) -> str:
        """How images come to the size that it looks at, in words."""

    def __call__(self, pixels: Pixels) -> Features:
        """Raise UserError for pixels of a form that it does not read."""


def detector(name: str) -> Detector:
    """The detector of a name.

    ``tiny``, trained for this package; ``second``, random filters; ``tiny-4ch``: four channels, each seen as a grey
    image of its own, their features side by side; ``tiny-16bit``: 0 … 65535 brought to 0 … 255 linearly;
    ``tiny-4ch-16bit``; ``inception:FILE.safetensors``, the one of the FID; ``package.module:function``: your own,
    which maps pixels of any form to n d numbers, at most 64 images at a time.

    Raises:
        UserError: No such name, file, module or function.
    """
    if name.startswith(_INCEPTION):
        return inception(user_path(name.removeprefix(_INCEPTION)))
    if match := _FUNCTION.fullmatch(name):
        return _own(name, match["module"], match["function"])
    match = _FORMS.fullmatch(name)
    if match is None or match["base"] not in _BUILT_IN:
        raise UserError(f"--detector {name}: no such detector. Expected {_KNOWN}.")
    seeing: Detector = _BUILT_IN[match["base"]]()
    if match["channels"] is not None:
        seeing = _PerChannel(seeing, int(match["channels"]))
    return _SixteenBit(seeing) if match["deep"] else seeing


def protocol(base: str, num_channels: int, dtype: torch.dtype) -> str:
    """The name of the built-in detector ``base`` for images of this form: ``tiny`` → ``tiny-4ch-16bit``."""
    channels = "" if num_channels in (1, 3) else f"-{num_channels}ch"
    return base + channels + ("-16bit" if dtype == torch.uint16 else "")


def _tiny() -> Detector:
    network = tiny.Tiny()
    network.load_state_dict(shipped.load("tiny"))
    return NetworkDetector("tiny", digest_of(tiny.RULE, network), network, resize=tiny.RESIZE)


def _second() -> Detector:
    network = random_filters.RandomFilters()
    return NetworkDetector("second", digest_of(random_filters.RULE, network), network, resize=random_filters.RESIZE)


_BUILT_IN: dict[str, Callable[[], Detector]] = {"tiny": _tiny, "second": _second}


class _PerChannel:
    """Each channel as a grey image of its own; their features side by side."""

    def __init__(self, inner: Detector, num_channels: int) -> None:
        self._inner, self._num_channels = inner, num_channels
        self.name = f"{inner.name}-{num_channels}ch"
        self.digest = f"{inner.digest}-{num_channels}ch"
        self.resize = inner.resize

    def __call__(self, pixels: Pixels) -> Features:
        count, channels, height, width = pixels.shape
        if channels != self._num_channels:
            raise UserError(f"--detector {self.name}: the images have {channels} channels, not {self._num_channels}.")
        return self._inner(pixels.reshape(count * channels, 1, height, width)).reshape(count, -1)


class _SixteenBit:
    """0 … 65535 brought to 0 … 255, linearly and rounded: what lies within one step of 257 is not seen."""

    def __init__(self, inner: Detector) -> None:
        self._inner = inner
        self.name = f"{inner.name}-16bit"
        self.digest = f"{inner.digest}-16bit"
        self.resize = inner.resize

    def __call__(self, pixels: Pixels) -> Features:
        if pixels.dtype != torch.uint16:
            raise UserError(f"--detector {self.name}: the images have 8 bits, not 16.")
        return self._inner((pixels.float() / 257).round().to(torch.uint8))


class _Own:
    """A function of the user's, handed at most 64 images at a time."""

    resize = "its own"

    def __init__(self, name: str, digest: str, function: Callable[[Pixels], Any]) -> None:
        self.name, self.digest, self._function = name, digest, function

    def __call__(self, pixels: Pixels) -> Features:
        return torch.cat([self._checked(chunk) for chunk in chunks(pixels)])

    def _checked(self, pixels: Pixels) -> Features:
        with torch.no_grad():
            features = torch.as_tensor(self._function(pixels)).to("cpu", torch.float32)
        if features.ndim != 2 or len(features) != len(pixels) or not features.isfinite().all():
            raise UserError(
                f"--detector {self.name}: gave {tuple(features.shape)} for {len(pixels)} images. "
                f"Expected {len(pixels)} rows of finite numbers."
            )
        return features


def _own(name: str, module_name: str, function_name: str) -> Detector:
    """The digest is the function's own ``digest`` when it has one, else the hash of its module's file."""
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(f"--detector {name}: {error}. Is its folder on PYTHONPATH?") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise UserError(f"--detector {name}: {module_name} has no function {function_name}.")
    source = Path(module.__file__ or "").read_bytes() if module.__file__ else b""
    digest = getattr(function, "digest", None) or digest_of(f"{name}\0{source.hex()}")
    return _Own(name, str(digest), function)
