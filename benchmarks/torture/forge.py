"""Checkpoints as somebody might forge them: whole and right in all but what a test says, the hash in the name too."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import torch

from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config, to_tables
from dcgan.training.setup import new_state

SMALL: dict[str, Any] = {
    "data.height": 16, "data.width": 16,
    "model.generator_width": 1, "model.discriminator_width": 1, "model.latent_size": 2,
    "model.image_channels": 1, "model.num_classes": 0,
    "training.images": 64, "hardware.device": "cpu", "hardware.threads": 1, "hardware.precision": "fp32",
}  # fmt: skip

Header = dict[str, Any]


def small_config() -> Config:
    """The smallest networks that the product has."""
    return Config().asked(SMALL)


def save_small(run: RunFolder, images_seen: int = 32, keep: int = 2) -> Path:
    """A checkpoint as the product writes it, a few kilobytes large."""
    config = small_config()
    state = new_state(config, torch.device("cpu"))
    state.images_seen = images_seen
    facts = {**state.facts(), "config": to_tables(config), "class_names": (), "bits": 8, "fingerprint": "made up"}
    return checkpoint.save(run, state.tensors(), facts, keep=keep)


@cache
def _whole(folder: Path) -> bytes:
    return save_small(RunFolder(folder)).read_bytes()


def parts(folder: Path) -> tuple[Header, bytes]:
    """The header and the data of a good checkpoint, to be made worse."""
    content = _whole(folder)
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def facts_of(header: Header) -> dict[str, Any]:
    """What the metadata of a header say."""
    facts: dict[str, Any] = json.loads(header["__metadata__"]["dcgan"])
    return facts


def with_facts(header: Header, facts: Any) -> Header:
    """The header with other facts."""
    return header | {"__metadata__": {"dcgan": facts if isinstance(facts, str) else json.dumps(facts)}}


def encode(header: Header | bytes, data: bytes, length: int | None = None) -> bytes:
    """The bytes of a safetensors file; ``length`` lies about its header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def forged(run: RunFolder, content: bytes, images_seen: int = 64) -> Path:
    """A file that calls itself a checkpoint of this run, under the right hash."""
    path = run.checkpoints / f"checkpoint-{images_seen:012d}-{hashlib.sha256(content).hexdigest()}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
