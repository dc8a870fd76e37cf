"""The judge of hostile files: one case after the other in this process, each watched by an audit hook and two meters.

A case passes when it ends in a result or in the product's own refusal, soon, in little memory, without opening a
pickle, a connection or another program, and without changing anything but its own folder.
"""

import contextlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from dcgan.errors import ExitCode
from dcgan.interfaces.cli import main

SECONDS = 10  # of the processor, for one case
WAITING = 12  # times as many on the clock, for a case that waits without working
MEGABYTES = 512
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
FORBIDDEN = {"pickle.find_class", "socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
FAULTS = ("tracebacks", "hangs", "greedy", "outside", "forbidden")

Case = Callable[[random.Random, Path], str]
"""Makes a hostile file in a folder, feeds it to the product, and says how it ended: "refused" or "accepted"."""

_watched: list["Watch"] = []  # an audit hook stays for as long as its process


class Late(BaseException):  # not an Exception: nobody shall handle it
    """A case took too long."""


class Watch:
    """What a case did to the world around it, as the interpreter's audit events tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = os.path.realpath(folder) + os.sep
        self.outside: list[str] = []
        self.forbidden: list[str] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """One audit event."""
        if event in FORBIDDEN:
            self.forbidden.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
            self._changed(event, arguments[:1])
        elif event in CHANGES:
            self._changed(event, arguments[: 2 if event in ("os.rename", "os.link") else 1])

    def _changed(self, event: str, paths: tuple[Any, ...]) -> None:
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike) and os.fspath(path) != os.devnull:
                place = Path(os.path.realpath(Path(os.fsdecode(path)).parent)) / Path(os.fsdecode(path)).name
                if not f"{place}{os.sep}".startswith(self.folder):
                    self.outside.append(f"{event} {path!r}")


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    for watch in _watched:
        watch.hear(event, arguments)


@contextmanager
def watching(folder: Path) -> Iterator[Watch]:
    """Watch all that this process does, and expect changes in ``folder`` alone."""
    if not getattr(sys, "_judge_listens", False):
        sys.addaudithook(_hook)
        sys._judge_listens = True  # type: ignore[attr-defined]
    watch = Watch(folder)
    _watched.append(watch)
    try:
        yield watch
    finally:
        _watched.remove(watch)


def judged(case: Case, count: int, seed: int, already: dict[str, Any]) -> dict[str, Any]:
    """Judge cases ``already["cases"]`` to ``count``: each is a function of its number and the seed.

    Returns:
        Counts by outcome, the numbers of the cases with each fault, and the largest time and memory.
    """
    result: dict[str, Any] = {"cases": 0, "outcomes": {}, "slowest_seconds": 0.0, "most_megabytes": 0.0}
    result |= {fault: [] for fault in FAULTS} | already
    for number in range(result["cases"], count):
        with tempfile.TemporaryDirectory(prefix="hostile-") as name:
            _judge(case, number, seed, Path(name), result)
        result["cases"] = number + 1
    return result


def _judge(case: Case, number: int, seed: int, place: Path, result: dict[str, Any]) -> None:
    folder, canary = place / "own", place / "canary"
    for path in (folder, canary / "inside"):
        path.mkdir(parents=True)
    (canary / "inside" / "song.txt").write_text("tweet")
    os.environ["DCGAN_CACHE"] = str(folder / "cache")
    before, started = fingerprint(canary), time.process_time()
    memory = reset_peak()
    with watching(folder) as watch:
        try:
            with alarm(SECONDS):
                outcome = case(random.Random(f"{seed}/{number}"), folder)
        except Late:
            outcome = "hung"
            result["hangs"].append(number)
        except BaseException:
            outcome = "broke"
            result["tracebacks"].append({"case": number, "trace": traceback.format_exc()[-1500:]})
    seconds, megabytes = time.process_time() - started, peak() - memory
    result["outcomes"][outcome] = result["outcomes"].get(outcome, 0) + 1
    result["slowest_seconds"] = max(result["slowest_seconds"], round(seconds, 3))
    result["most_megabytes"] = max(result["most_megabytes"], round(megabytes, 1))
    if megabytes > MEGABYTES:
        result["greedy"].append(number)
    if fingerprint(canary) != before:
        watch.outside.append("the canary died")
    for fault, found in (("outside", watch.outside), ("forbidden", watch.forbidden)):
        if found:
            result[fault].append({"case": number, "what": found[:3]})
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise ``Late`` in this thread when it takes longer.

    Seconds are those of the processor, so that a process that was paused is not taken for one that hangs; one that
    waits for something without working is given ``WAITING`` times as many on the clock.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise Late(f"more than {seconds} s")

    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, WAITING * seconds)}
    before = {number: signal.signal(number, ring) for number in timers}
    for timer, limit in timers.values():
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def reset_peak() -> float:
    """Forget the peak of this process's memory; the megabytes that it holds now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak()
    return status("VmRSS")


def peak() -> float:
    """Most megabytes that this process has held since then."""
    return status("VmHWM")


def status(name: str) -> float:
    """A line of /proc/self/status in megabytes; the most memory there ever was where there is no such file."""
    try:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(line.split()[1]) / 1024


def fingerprint(folder: Path) -> str:
    """Of all names and contents below a folder."""
    paths = sorted(folder.rglob("*"))
    parts = [
        f"{path.relative_to(folder)} {sha256(path.read_bytes()).hexdigest() if path.is_file() else ''}"
        for path in paths
    ]
    return sha256("\n".join(parts).encode()).hexdigest()


def faults(result: dict[str, Any]) -> dict[str, Any]:
    """What is wrong, empty when nothing is."""
    return {fault: result[fault] for fault in FAULTS if result[fault]}


def command(*words: str) -> str:
    """One run of the command line: "accepted" or "refused"; see ``exit_code``."""
    return "refused" if exit_code(*words) else "accepted"


def exit_code(*words: str) -> int:
    """The exit code of one run of the command line.

    Raises:
        AssertionError: It ended, or spoke, in a way that is not meant for people.
    """
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        code = main(words)
    text = said.getvalue()
    assert code in set(ExitCode), (code, text)
    assert "Unexpected" not in text, text
    assert "Traceback" not in text, text
    assert all(line.isprintable() for line in text.splitlines()), f"{text!r:.1000}"
    return code
