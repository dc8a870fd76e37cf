"""One safetensors file per checkpoint, its sha256 in its name: written whole, checked before it is believed.

The file holds every tensor of the training state and one metadata key, ``dcgan``: canonical JSON with the resolved
config, what is known of the data, and the plain numbers of the state. Anything that reads safetensors can open it.
Where images are drawn with other statistics of normalisation than those that training goes on from, they lie beside
these: images are those of the weights ``average.NAME``, with ``sampling.NAME`` in the place of each of that name.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from dcgan.errors import ExitCode, UserError
from dcgan.files import write_atomically
from dcgan.runs.facts import FORMAT, parse_facts
from dcgan.runs.folder import RunFolder
from dcgan.runs.shelf import Role, name_of, paths, prune
from dcgan.runs.tensor_file import read_as_named
from dcgan.settings.config import Config, from_tables
from dcgan.settings.recipes import complete

SAMPLING = "sampling."
"""Begins the names of the statistics that only sampling uses."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]
    path: Path
    sampling: Mapping[str, Tensor] = field(default_factory=dict, kw_only=True)
    """Statistics of the sampled generator by their names in it; empty: those among ``tensors``, or estimated anew."""
    damaged: tuple[Path, ...] = field(default=(), kw_only=True)
    """Newer ones, which were passed over."""


def save(
    run: RunFolder, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], *, keep: int, role: Role = ""
) -> Path:
    """Write a checkpoint so that not even a loss of power can leave half of one, then prune all but ``keep``.

    ``facts["attempt"]``, then ``facts["images_seen"]`` order the checkpoints of a run. One from further on can only be
    a damaged one: it becomes ``.bad``, or it would be taken for the newest and this one be pruned instead.
    The last one of each role and the best one are not pruned.

    Raises:
        DiskError: It is not saved; what was there before still is.
    """
    header = json.dumps({"format": FORMAT, **facts}, sort_keys=True, ensure_ascii=False)
    packed = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = safetensors.torch.save(packed, metadata={"dcgan": header})
    digest = hashlib.sha256(content).hexdigest()
    path = run.checkpoints / name_of(facts["images_seen"], facts.get("attempt", 0), role=role, digest=digest)
    write_atomically(path, content, durable=True)
    prune(run, path, keep)
    return path


def newest(run: RunFolder, among: Callable[[Path], bool] = lambda path: True) -> Checkpoint | None:
    """The newest checkpoint whose bytes are those that were written, or None when there never was one.

    ``among``: which of them count.

    Raises:
        UserError: There are some, and all are damaged.
    """
    found = [path for path in paths(run) if among(path)]
    for number, path in enumerate(found):
        if (checkpoint := read(path)) is not None:
            return replace(checkpoint, damaged=tuple(found[:number]))
    if found:
        raise UserError(
            f"{run.checkpoints}: all {len(found)} checkpoints are damaged (their content does not match the sha256 "
            "in their names). Start again in another folder with --out.",
            ExitCode.CHECKPOINT,
        )
    return None


def read(path: Path) -> Checkpoint | None:
    """The checkpoint, or None if it is damaged.

    Raises:
        UserError: It was written by a later version of this program, or made up by somebody; or may not be read.
    """
    content = read_as_named(path)
    if content is None:
        return None
    facts = parse_facts(path, content.metadata.get("dcgan", ""))
    sampling = {name: tensor for name, tensor in content.tensors.items() if name.startswith(SAMPLING)}
    state = {name: tensor for name, tensor in content.tensors.items() if name not in sampling}
    own_names = {name.removeprefix(SAMPLING): tensor for name, tensor in sampling.items()}
    return Checkpoint(state, facts, path, sampling=own_names)


def config_of(checkpoint: Checkpoint) -> Config:
    """The resolved config that the checkpoint was trained with."""
    return complete(from_tables(checkpoint.facts["config"]))
