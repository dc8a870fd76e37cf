"""How the processes of a run find each other: by the variables that ``torchrun`` sets, and nothing else."""

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch.distributed import (  # type: ignore[attr-defined]  # they are public
    DistError,
    PrefixStore,
    Store,
    TCPStore,
    init_process_group,
)

import dcgan
from dcgan.errors import ExitCode, UserError
from dcgan.hardware import bit_borders
from dcgan.training.peers import Peers
from dcgan.training.team import Processes

LISTENER = "DCGAN_LISTENER"
"""Names an open socket on which the first process listens, if whoever started it opened one."""
SILENCE = "DCGAN_SILENCE_SECONDS"
"""Names the seconds without a sign of life after which a process counts as gone."""
PATIENCE = 4  # times as long may pass until all processes are there: the first ones wait for the last one's imports
BUSY = 20  # times as long may an exchange take, while all are alive: one of them may be writing to a slow disk


def join(asked: Mapping[str, Any], say: Callable[[str], object]) -> Processes:
    """Meet the others. ``asked``: what this process was asked for, which must be the same for all.

    Raises:
        UserError: One of them did not come, or is not the same; says which.
    """
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    silence = float(os.environ.get(SILENCE, "30"))
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
    store = _store(rank, size, silence)
    peers = Peers(PrefixStore("peers", store), rank, size, silence=silence, say=say)
    peers.meet({"program": digest_of_program(), **bit_borders(), **asked}, PATIENCE * silence)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    limit = timedelta(seconds=BUSY * silence)
    init_process_group(backend, store=PrefixStore("sums", store), rank=rank, world_size=size, timeout=limit)
    return Processes(peers)


def digest_of_program() -> str:
    """Of all its source files: two processes of one version may still run different code."""
    folder, digest = Path(dcgan.__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _store(rank: int, size: int, silence: float) -> Store:
    """The table by which they meet, at the address of the first one: it listens there and nowhere else."""
    host, port = os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", "29500"))
    is_there = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"  # torchrun has opened one already
    listener = _listener(host, port) if rank == 0 and not is_there else None
    try:
        store = TCPStore(
            host,
            port,
            size,
            is_master=listener is not None,
            timeout=timedelta(seconds=PATIENCE * silence),
            wait_for_workers=False,
            master_listen_fd=listener,
        )
    except DistError as error:
        told = (
            f"Process {rank} of {size} cannot reach process 0 at {host}:{port} (MASTER_ADDR, MASTER_PORT): is it there?"
        )
        raise UserError(told, ExitCode.PEER) from error
    store.set_timeout(timedelta(seconds=silence))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return PrefixStore(f"{os.environ.get('TORCHELASTIC_RUN_ID', '')}/{attempt}", store)


def _listener(host: str, port: int) -> int:
    if LISTENER in os.environ:
        return int(os.environ[LISTENER])
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family).detach()
    except OSError as error:
        raise UserError(f"MASTER_ADDR={host}, MASTER_PORT={port}: cannot listen there ({error.strerror}).") from error
