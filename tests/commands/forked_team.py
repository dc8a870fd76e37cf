"""Processes that train one run together, forked from one that has imported everything: a test of many starts is short.

    python forked_team.py '[{"size": 2, "words": ["train", …], "at": {"rank": 1, "images": 96, "do": "kill"}}]'

prints one line of JSON a launch: the exit codes of its processes, and what they said. ``at`` is something that happens
to one process, or to all (``rank``: null), before the step that follows so many images, once.
"""

import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # as the program sets it before it imports torch

import torch

import dcgan.commands.train  # so that no child imports it
import dcgan.training.joining  # noqa: F401  # likewise
from dcgan.interfaces.cli import main
from dcgan.training.state import TrainingState
from dcgan.training.team import Processes, Team

LIMIT = 240.0  # seconds, after which those that are left are killed, and seen as having hung


def run(launch: dict[str, Any]) -> dict[str, Any]:
    """Start the processes, wait for them, and tell what became of them."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(rank) for rank in range(launch["size"])]
        present = [rank for rank in range(launch["size"]) if rank not in launch.get("absent", [])]
        pids = {rank: _fork(launch, rank, paths[rank], listener) for rank in present}
        listener.close()
        codes = _wait(pids, frozen=launch.get("at", {}).get("do") == "freeze")
        return {"codes": codes, "said": [path.read_text() if path.exists() else "" for path in paths]}


def _wait(pids: dict[int, int], *, frozen: bool) -> dict[int, int]:
    """Their exit codes, negative for a signal; a frozen one is killed when all others have left."""
    codes, limit = dict[int, int](), time.monotonic() + LIMIT
    while len(codes) < len(pids):
        for rank, pid in pids.items():
            if rank not in codes and (ended := os.waitpid(pid, os.WNOHANG))[0]:
                codes[rank] = os.waitstatus_to_exitcode(ended[1])
            elif rank not in codes and (time.monotonic() > limit or (frozen and len(codes) == len(pids) - 1)):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    return codes


def _fork(launch: dict[str, Any], rank: int, said: Path, listener: socket.socket) -> int:
    if pid := os.fork():
        return pid
    with said.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    if launch["size"] > 1:
        os.environ |= {
            "RANK": str(rank),
            "WORLD_SIZE": str(launch["size"]),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(listener.getsockname()[1]),
            "DCGAN_LISTENER": str(listener.fileno()),
            "GLOO_SOCKET_IFNAME": "lo",
        }
    if rank:
        listener.close()
    code = 1
    try:
        _arrange(launch.get("at"), rank)
        code = main([*launch["words"], *launch.get("also", {}).get(str(rank), [])])
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _arrange(event: dict[str, Any] | None, rank: int) -> None:
    """Let it happen to this process before a step."""
    if event is None or event["rank"] not in (rank, None):
        return
    happened = []
    for kind in (Team, Processes):
        before = kind.next_step

        def next_step(team: Any, state: TrainingState, training: Any, before: Any = before) -> Any:
            if state.images_seen >= event["images"] and not happened:
                happened.append(event)
                _happen(event["do"], state, team)
            return before(team, state, training)

        kind.next_step = next_step  # type: ignore[method-assign]


def _happen(what: str, state: TrainingState, team: Any) -> None:
    if what == "NaN":
        with torch.no_grad():
            next(state.generator.parameters()).fill_(torch.nan)
    else:
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "terminate": signal.SIGTERM}[what])
    if what == "terminate":
        team.asked = 143  # as the loop that the handler of the signal speaks to would set it after the step before


if __name__ == "__main__":
    torch.set_num_threads(1)
    for launch in json.loads(sys.argv[1]):
        print(json.dumps(run(launch)), flush=True)
