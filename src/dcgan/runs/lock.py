"""One trainer per run: a lock that the operating system lifts when its holder dies, however it dies."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dcgan.errors import ExitCode, UserError
from dcgan.files import DiskError, locked


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock of a run.

    Raises:
        UserError: Another process holds it; says which, since when.
    """
    holder = {"pid": os.getpid(), "host": platform.node(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, json.dumps(holder).encode()))
        except BlockingIOError as error:
            message = f"--out {path.parent}: in use by {_holder(path)}"
            raise UserError(message, ExitCode.BUSY) from error
        except DiskError as error:
            told = f"cannot be written ({error.reason}). Name another folder"
            raise UserError(f"--out {path.parent}: {told}.", ExitCode.DISK) from error
        yield


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        if (holder["pid"], holder["host"]) == (os.getpid(), platform.node()):
            return "this very process: an earlier dcgan.train of it is still open. Close that one (run.close())."
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"
    return f"{who}. Wait for it, or stop it."
