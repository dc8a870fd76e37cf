"""Checkpoints made to lie: any node of their header or facts replaced, the hash in the name always right."""

import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import torch

from benchmarks.torture.forge import Header, encode, facts_of, forged, parts, save_small, small_config, with_facts
from benchmarks.torture.judge import command, judged
from benchmarks.torture.mutants import NUMBERS, mutate, twist
from dcgan.errors import UserError
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.training.setup import new_state


def run(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge ``count`` checkpoints in all."""
    return judged(case, count, seed, already)


def case(rng: random.Random, folder: Path) -> str:
    """One forged checkpoint: sampled from, and restored from."""
    run_folder = RunFolder(folder / "run")
    path = forged(run_folder, forgery(rng))
    place = path if rng.random() < 0.5 else run_folder.root
    ended = command("sample", str(place), "--seeds", "0-1", "--out", str(folder / "out"))
    try:
        found = checkpoint.read(path)
        if found is not None:
            checkpoint.config_of(found)
            new_state(small_config(), torch.device("cpu"), blank=True).restore(found.tensors, found.facts)
    except UserError as error:
        assert len(str(error)) < 2_000
    return ended


def forgery(rng: random.Random) -> bytes:
    """The bytes of a checkpoint with one lie or several."""
    header, data = good()
    kind = rng.randrange(6)
    if kind == 0:
        return mutate(rng, encode(header, data))
    if kind == 1:
        text = mutate(rng, json.dumps(header).encode())
        return encode(text, data, rng.choice(NUMBERS) if rng.random() < 0.2 else None)
    if kind == 2:
        return encode(as_json(with_facts(header, twisted(rng, facts_of(header)))), data)
    if kind == 3:
        return encode(header, rng.choice((mutate(rng, data), data + bytes(64), data[:-4], b"")))
    if kind == 4:
        name = rng.choice(list(header))
        return encode(as_json(header | {name: twisted(rng, header[name])}), data)
    return encode(as_json(twisted(rng, header)), data)


def twisted(rng: random.Random, value: Any) -> Any:
    for _ in range(rng.randint(1, 3)):
        value = twist(rng, value)
    return value


def as_json(value: Any) -> bytes:
    """Python writes NaN, infinities and broken Unicode into JSON when nobody minds."""
    return json.dumps(value).encode() if not huge(value) else b'{"a": 1' + b"0" * 5_000 + b"}"


def huge(value: Any) -> bool:
    """Whether Python refuses to write a number this long."""
    try:
        json.dumps(value)
    except ValueError:
        return True
    return False


@cache
def _parts() -> tuple[Header, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return parts(Path(folder))


def good() -> tuple[Header, bytes]:
    header, data = _parts()
    return copy.deepcopy(header), data


def flips(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """``count`` single flipped bits, each of which must be found out, and the checkpoint before be used."""
    return judged(flip_case, count, seed, already)


def flip_case(rng: random.Random, folder: Path) -> str:
    """One flipped bit anywhere in the newest of two checkpoints, or one byte too few, or one too many."""
    run_folder = RunFolder(folder / "run")
    earlier, content = two_checkpoints()
    forged(run_folder, earlier, 32)
    newest = forged(run_folder, content, 64)
    bit = rng.randrange(8 * len(content))
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    newest.write_bytes(damaged)
    assert checkpoint.read(newest) is None, f"bit {bit} was not missed"
    found = checkpoint.newest(run_folder)
    assert found is not None
    assert found.facts["images_seen"] == 32, f"bit {bit}"
    return "refused"


def truncations(count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Every truncation of a checkpoint, from its first byte on; ``count`` is at most its length."""
    cut = iter(range(already.get("cases", 0), count))

    def case(_: random.Random, folder: Path) -> str:
        content = two_checkpoints()[1]
        path = forged(RunFolder(folder / "run"), content)
        path.write_bytes(content[: next(cut)])
        assert checkpoint.read(path) is None
        return "refused"

    return judged(case, min(count, len(two_checkpoints()[1])), seed, already)


@cache
def two_checkpoints() -> tuple[bytes, bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return tuple(save_small(RunFolder(Path(folder) / str(seen)), seen).read_bytes() for seen in (32, 64))  # type: ignore[return-value]
