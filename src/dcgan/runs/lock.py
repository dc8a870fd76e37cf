"""One trainer per run: a lock that the operating system lifts when its holder dies, however it dies."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from dcgan.errors import ExitCode, UserError
from dcgan.files import locked


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
            message = f"--out {path.parent}: in use by {_holder(path)}. Wait for it, or stop it."
            raise UserError(message, ExitCode.BUSY) from error
        yield


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_bytes())
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
