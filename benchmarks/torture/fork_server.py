"""Tiny runs in processes that can be killed by the hundred: torch is imported once, and forked for each of them.

    python -m benchmarks.torture.fork_server SOURCE    JSON, a line each: requests on stdin, answers on stdout

The server has one thread and takes no step itself after its warm-up: a forked child is as good as a new process.
"""

import contextlib
import json
import mmap
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import ROOT

SETTINGS = {"training__batch_size": 16}
BUDGET = 640  # images, 40 steps


class ForkServer:
    """The client's end. A context manager."""

    def __init__(self, source: Path, cache: Path, python_path: str | None = None) -> None:
        environment = {**os.environ, "DCGAN_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
        environment |= {"PYTHONPATH": python_path} if python_path else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.torture.fork_server", str(source.absolute())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.__exit__(kind, error, trace)  # closes the pipes and waits

    def ask(self, what: str, out: Path, **more: Any) -> dict[str, Any]:
        """``run``: train in a child, killed or stopped where that is asked for.

        ``fingerprint``: what must be equal between runs, and damaged checkpoints.
        """
        self._process.stdin.write(json.dumps({"what": what, "out": str(out), **more}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the fork server is gone"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _train(source: Path, out: Path, request: dict[str, Any], progress: mmap.mmap) -> None:
    """In the child: one sitting, perhaps to be killed at a call; ``progress`` tells images seen and calls made."""
    from benchmarks.torture.faulty_disk import Disk, kill
    from benchmarks.torture.tiny_runs import train

    at = request.get("kill_call")
    fault = kill(at, root=out if request.get("half") else None) if at else None
    with Disk(out, fault, reads=False) as disk:
        steps = train(source, out, budget=BUDGET, **SETTINGS)
        for report in islice(steps, request.get("stop_after")):
            progress[:8] = report.images_seen.to_bytes(8, "little")
            progress[8:16] = len(disk.calls).to_bytes(8, "little")
        steps.close()
        progress[8:16] = len(disk.calls).to_bytes(8, "little")


def _run(source: Path, request: dict[str, Any]) -> dict[str, Any]:
    progress = mmap.mmap(-1, 16)
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _leave(lambda: _train(source, Path(request["out"]), request, progress))
    if (after := request.get("kill_after")) is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)  # perhaps ended by now, but not yet waited for
    _, status = os.waitpid(child, 0)
    seen, calls = (int.from_bytes(progress[start : start + 8], "little") for start in (0, 8))
    return {
        "exit_code": os.waitstatus_to_exitcode(status),
        "seconds": time.monotonic() - started,
        "images_seen": seen,
        "calls": calls,
    }


def _fingerprint(request: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.torture.tiny_runs import fingerprint
    from dcgan.runs import checkpoint
    from dcgan.runs.folder import RunFolder

    run = RunFolder(Path(request["out"]))
    saved = [(path, checkpoint.read(path)) for path in checkpoint.paths(run)]
    good = [found.facts["images_seen"] for _, found in saved if found is not None]
    answer: dict[str, Any] = {
        "saved": good,
        "damaged": [path.name for path, found in saved if found is None] + [p.name for p in run.root.rglob("*.bad")],
    }
    if request.get("whole"):
        answer["fingerprint"] = fingerprint(run)
    return answer


def _leave(work: Any) -> None:
    """End this child without the parent's cleaning up."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Serve until stdin closes."""
    import torch

    torch.set_num_threads(1)
    source = Path(sys.argv[1])
    warm = Path(os.environ["DCGAN_CACHE"]) / f"warm-up-{os.getpid()}-{random.getrandbits(32)}"
    from benchmarks.torture.tiny_runs import finish

    finish(source, warm, budget=64, **SETTINGS)
    threads = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Threads:")]
    assert threads == ["Threads:\t1"], threads
    for line in sys.stdin:
        request = json.loads(line)
        answer = _run(source, request) if request["what"] == "run" else _fingerprint(request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
