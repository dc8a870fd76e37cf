"""A generator alone, as two files that travel: ``config.json`` and ``model.safetensors``.

They hold the weights and the normalisation statistics that images are drawn with, so that nothing is estimated again
when they are read; no discriminator, no optimiser, and no path of the machine that trained.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from dcgan.errors import ExitCode, UserError
from dcgan.foreign import is_regular, open_regular, read_bytes, strict_json
from dcgan.notation import stages
from dcgan.randomness import SEED_FUNCTION
from dcgan.runs.tensor_file import Malformed, read, require_finite
from dcgan.settings.config import Config, from_tables, to_tables
from dcgan.settings.recipes import complete

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT = 1
MAX_CONFIG_BYTES = 1_000_000


@dataclass(frozen=True)
class Portable:
    """What the two files say."""

    config: Config
    tensors: dict[str, Tensor]
    class_names: tuple[str, ...]
    bits: int


def packed(
    config: Config, tensors: Mapping[str, Tensor], class_names: tuple[str, ...], bits: int, extra: Mapping[str, Any]
) -> dict[str, bytes]:
    """The two files; ``extra`` joins ``config.json``."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    weights = safetensors.torch.save(contiguous, metadata={"format": "pt"})
    facts = {
        **description(config, class_names, bits),
        "base": base_of(config, tensors),
        **extra,
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "settings": to_tables(without_places(config)),
    }
    return {CONFIG: (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode(), WEIGHTS: weights}


def description(config: Config, class_names: tuple[str, ...], bits: int) -> dict[str, Any]:
    """All that a program needs to draw with the weights, without knowing this package's settings."""
    model, data = config.model, config.data
    return {
        "library_name": "dcgan",
        "format": FORMAT,
        "architecture": model.family,
        "height": data.height,
        "width": data.width,
        "image_channels": model.image_channels,
        "bits": bits,
        "latent_size": model.latent_size,
        "prior": model.prior,
        "seed_function": SEED_FUNCTION,
        "class_names": list(class_names),
    }


def base_of(config: Config, tensors: Mapping[str, Tensor]) -> list[int]:
    """Height, width and channels of the features that the first layer makes."""
    num_stages = stages(config.data.height, config.data.width)
    height, width = config.data.height >> num_stages, config.data.width >> num_stages
    (product,) = (tensor for name, tensor in tensors.items() if name.endswith("product.weight"))
    return [height, width, len(product) // (height * width)]


def without_places(config: Config) -> Config:
    """The settings for other people: the source's own name without its folders; statistics stay as they are stored."""
    changes = {"data.source": Path(config.data.source).name or "images", "model.statistics_batches": 0}
    return config.decided(changes)


def is_portable(folder: Path) -> bool:
    """Whether the two files are in the folder."""
    return is_regular(folder / CONFIG) and is_regular(folder / WEIGHTS)


def unpacked(folder: Path) -> Portable:
    """The two files of the folder, checked.

    Raises:
        UserError: Not what this program wrote: names the file and what is wrong with it.
    """
    path = folder / CONFIG
    try:
        facts = strict_json(read_bytes(path, MAX_CONFIG_BYTES))
    except (OSError, ValueError) as error:
        raise _refused(path, f"cannot be read ({error})") from error
    if not isinstance(facts, dict) or facts.get("library_name") != "dcgan":
        raise _refused(path, "library_name is not dcgan")
    if facts.get("format") != FORMAT:
        raise _refused(path, f"format {facts.get('format')!r:.40}, this version reads {FORMAT}")
    names, bits, settings = facts.get("class_names"), facts.get("bits"), facts.get("settings")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or bits not in (8, 16):
        raise _refused(path, "class_names are not names, or bits is neither 8 nor 16")
    try:
        config = complete(from_tables(settings if isinstance(settings, dict) else {}))
    except UserError as error:
        raise _refused(path, f"its settings: {error}") from error
    if config.model.image_channels is None or config.model.num_classes != len(names):
        raise _refused(path, "its settings leave model.image_channels open, or count other classes")
    return Portable(config, _weights(folder / WEIGHTS, facts.get("weights_sha256")), tuple(names), bits)


def _weights(path: Path, sha256: Any) -> dict[str, Tensor]:
    try:
        with open_regular(path) as file:
            content = read(file)
    except (OSError, Malformed) as error:
        raise _refused(path, str(error)) from error
    if content.sha256 != sha256:
        raise _refused(path, f"its sha256 is not the one that {CONFIG} names: one of the two was changed or damaged")
    require_finite(content, path)
    return content.tensors


def _refused(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not an exported generator of this program: {reason}.", ExitCode.CHECKPOINT)
