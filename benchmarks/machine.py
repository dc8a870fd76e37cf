"""This machine, these sources, processes under watch, and results on disk."""

import hashlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from dcgan.hardware import describe

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
RESULTS = HERE / "results"
POLL_SECONDS, MEMORY_SECONDS, TOGETHER_SECONDS = 0.02, 0.25, 0.5
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Watched:
    """What a process and all its children did."""

    output: str
    exit_code: int
    started: float
    """On ``time.monotonic``'s clock."""
    seconds: float
    memory_mb: float
    """The largest sum of resident memory over the processes, pages that they share counted in each of them."""
    main_memory_mb: float
    """The largest of the first process alone."""


def facts(threads: int) -> dict[str, Any]:
    """What a result depends on besides the sources; the same for two runs on one machine."""
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES
    versions = {name: metadata.version(name) for name in ("numpy", "pillow", "safetensors")}
    return {**describe(), **versions, "threads": threads, "memory_gb": round(memory / 1e9)}


def sources() -> dict[str, Any]:
    """The commit, whether the tree is as committed, and a hash of the code that is measured and that measures."""
    digest = hashlib.sha256()
    for path in sorted([*(ROOT / "src").rglob("*.py"), *HERE.rglob("*.py")]):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    changes = _git("status", "--porcelain", "--", ".", ":!benchmarks/results")
    return {
        "commit": _git("rev-parse", "HEAD") or os.environ.get("DCGAN_COMMIT") or "unknown",
        "clean": None if changes is None else not changes,
        "code": digest.hexdigest()[:16],
    }


def _git(*words: str) -> str | None:
    """What git says; None without git or a repository."""
    command = ["git", "--no-optional-locks", "-C", str(ROOT), *words]
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None
    return None


def slug(facts_: dict[str, Any]) -> str:
    """A name for the machine in file names."""
    name = facts_["processor"] if facts_["accelerator"] == "cpu" else facts_["accelerator"]
    words = re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-") or "machine"
    return f"{words}-{facts_['threads']}-threads"


def watch(
    command: Sequence[str],
    *,
    threads: int,
    cache: Path | None = None,
    poll: Callable[[], None] | None = None,
    timeout: float = 3600,
) -> Watched:
    """Run a command in a session of its own to its end; ``poll`` is called 50 times a second meanwhile.

    It gets this process's environment, less what sets another allocator, with ``threads`` for OpenMP and the
    prepared images in ``cache``, and finds these packages wherever it was started.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "LD_PRELOAD"))}
    environment |= {"OMP_NUM_THREADS": str(threads)} | ({"DCGAN_CACHE": str(cache)} if cache else {})
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    started, memory, main_memory, sampled = time.monotonic(), 0.0, 0.0, 0.0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
        try:
            while not _ended(process):
                if poll is not None:
                    poll()
                if time.monotonic() - sampled > MEMORY_SECONDS:
                    sampled = time.monotonic()
                    by_process = resident_mb(process.pid)
                    memory = max(memory, sum(by_process.values()))
                    main_memory = max(main_memory, by_process.get(process.pid, 0.0))
                if time.monotonic() - started > timeout:
                    raise TimeoutError(f"over {timeout:.0f} s: {command}")
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # the session that was started here, not yet reaped
            process.wait()
            raise
        seconds = time.monotonic() - started
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Watched(text, process.returncode, started, seconds, memory, main_memory)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def resident_mb(session: int) -> dict[int, float]:
    """Resident memory of every process of a session, in megabytes; empty where there is no /proc."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            values = place.read_text().rpartition(")")[2].split()  # from the third one on, the state
            if int(values[3]) == session:
                found[int(place.parent.name)] = int(values[21]) * PAGE_BYTES / 1e6
    return found


def ask(module: str, question: dict[str, Any], *, threads: int, cache: Path | None = None) -> dict[str, Any]:
    """Put a question to a module in a fresh process; its answer, and the memory that it took."""
    command = [sys.executable, "-m", module, json.dumps({"threads": threads, **question})]
    done = watch(command, threads=threads, cache=cache)
    if done.exit_code != 0:
        raise RuntimeError(f"{module} failed:\n{done.output}")
    line = next(line for line in reversed(done.output.splitlines()) if line.startswith("{"))
    found: dict[str, Any] = json.loads(line)
    return found | {"memory_mb": round(done.memory_mb), "main_memory_mb": round(done.main_memory_mb)}


def answer(functions: dict[str, Callable[..., dict[str, Any]]]) -> None:
    """The other end of ``ask``: call the function that the question names, print its answer as the last line."""
    question = json.loads(sys.argv[1])
    print(json.dumps(functions[question.pop("what")](**question)), flush=True)


def timed(
    step: Callable[[], int], seconds: float, *, wait: Callable[[], None] = lambda: None, fewest: int = 3
) -> dict[str, Any]:
    """Images a second of a step that returns its number of images, after a second (and two steps) of warming up."""
    _repeat(step, min(1.0, seconds / 2), 2, wait)
    images, steps, elapsed = _repeat(step, seconds, fewest, wait)
    return {"images": images, "steps": steps, "seconds": round(elapsed, 4), "images_per_second": images / elapsed}


def _repeat(step: Callable[[], int], seconds: float, fewest: int, wait: Callable[[], None]) -> tuple[int, int, float]:
    wait()
    start, images, steps, elapsed = time.perf_counter(), 0, 0, 0.0
    together = 1  # steps between two waits, so that a GPU's queue neither runs dry nor away from the clock
    while steps < fewest or elapsed < seconds:
        images += sum(step() for _ in range(together))
        steps += together
        wait()
        elapsed = time.perf_counter() - start
        together = max(1, int(steps / elapsed * min(TOGETHER_SECONDS, max(0.0, seconds - elapsed))))
    return images, steps, elapsed


def read_results(path: Path) -> dict[str, Any]:
    """The results on disk by case; empty without any."""
    return json.loads(path.read_text()) if path.exists() else {}


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    temporary.replace(path)


def entry_of(results: dict[str, Any], name: str, measured: dict[str, Any]) -> dict[str, Any]:
    """The case's entry, to be filled: the one that is there if it is of the same machine, code and settings."""
    if results.get(name, {}).get("measured") != measured:
        results[name] = {"measured": measured, "rounds": []}
    entry: dict[str, Any] = results[name]
    return entry


def run_rounds(
    entry: dict[str, Any],
    num_rounds: int,
    systems: Mapping[str, Callable[[], dict[str, Any]]],
    save: Callable[[], None],
) -> None:
    """Measure every system once a round, every other round backwards; what is there is not measured again."""
    rounds: list[dict[str, Any]] = entry["rounds"]
    for number in range(num_rounds):
        if number == len(rounds):
            rounds.append({})
        for name in list(systems) if number % 2 == 0 else reversed(list(systems)):
            if name not in rounds[number]:
                rounds[number][name] = systems[name]()
                print(f"round {number + 1} of {num_rounds}: {name}: {brief(rounds[number][name])}", flush=True)
                save()


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median of several rounds, the least and the largest."""
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def brief(result: dict[str, Any]) -> str:
    """The numbers of one measurement on a line."""
    return ", ".join(f"{key} {value:,.4g}" for key, value in result.items() if isinstance(value, int | float))
