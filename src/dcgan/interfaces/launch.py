"""Starts the processes of ``dcgan train --processes N`` on this machine, and ends them together.

They get the variables that ``torchrun`` would set, so that each of them is as one that it started. Nothing listens
but on the loopback address, at a port that was free.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

from dcgan.errors import ExitCode, UserError
from dcgan.limits import available_threads

LOOPBACK = "127.0.0.1"
GRACE = 45.0  # seconds until the last one has left after the first one failed: longer than they wait for each other
STEP = 0.05  # seconds between two looks at them
FORWARDED = (signal.SIGINT, signal.SIGTERM)


def launch(words: list[str], count: int) -> int:
    """Run ``dcgan train`` with these words in ``count`` processes; the exit code is that of a run in one."""
    with socket.create_server((LOOPBACK, 0), backlog=1024) as listener:
        shared = _environment(count, listener)
        listener.set_inheritable(True)
        children = [
            _start(words, shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)}, listener) for rank in range(count)
        ]
    before = {number: signal.signal(number, lambda number, frame: _forward(children, number)) for number in FORWARDED}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        return _wait(children)
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
                child.wait()
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment(count: int, listener: socket.socket) -> dict[str, str]:
    return {
        **os.environ,
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": LOOPBACK,
        "MASTER_PORT": str(listener.getsockname()[1]),
        "DCGAN_LISTENER": str(listener.fileno()),
        "GLOO_SOCKET_IFNAME": "lo",
        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1",
        "OMP_NUM_THREADS": str(max(1, available_threads() // count)),
    }


def _start(words: list[str], environment: dict[str, str], listener: socket.socket) -> subprocess.Popen[bytes]:
    """In a session of its own: a Ctrl-C reaches it through this process, once."""
    command = [sys.executable, "-m", "dcgan", "train", *words]
    return subprocess.Popen(command, env=environment, pass_fds=(listener.fileno(),), start_new_session=True)


def _forward(children: list[subprocess.Popen[bytes]], number: int) -> None:
    for child in children:
        if child.poll() is None:
            with suppress(ProcessLookupError):
                child.send_signal(number)


def _wait(children: list[subprocess.Popen[bytes]]) -> int:
    """The exit code of the first one that failed; the others then have ``GRACE`` to leave by themselves."""
    first, limit = 0, float("inf")
    while None in (codes := [child.poll() for child in children]) and time.monotonic() < limit:
        failed = next((rank for rank, code in enumerate(codes) if code), None)
        if failed is not None and limit == float("inf"):
            first, limit = failed, time.monotonic() + GRACE
        time.sleep(STEP)
    code = codes[first] or next((code for code in codes if code), 0)
    if -code in FORWARDED:  # it had not yet begun to listen for them
        return 128 - code
    if code < 0:
        told = f"Process {first} of {len(children)} was ended by {signal.Signals(-code).name}"
        raise UserError(f"{told}. The same command goes on from the last checkpoint.", ExitCode.PEER)
    return code
