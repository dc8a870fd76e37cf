"""One save, its system calls refused by strace: what the operating system is asked for, Python may not even show.

    python -m benchmarks.torture.strace_trials FOLDER NUMBER     that many trials; one JSON line

The trials are spread over all calls and errors. torch is imported once; each trial is a forked child that is attached
to while it waits, and then saves.
"""

import errno
import json
import mmap
import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.torture.errnos import ERRNOS, Scene

CALLS = (
    "openat,open,creat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,close,"
    "newfstatat,fstat,stat,lstat,statx,getdents64,read,lseek,ftruncate"
)
GO, DONE, LOOK = 0, 1, 2  # places of the shared memory: strace is there; the save is over; strace is gone
ANSWER = 16


def saving(scene: Scene, shared: mmap.mmap) -> None:
    """The child: it waits without any call of ``CALLS``, saves under strace, and looks at the disk without it."""
    while not shared[GO]:
        time.sleep(0.001)
    try:
        path, wrong = scene.save(), []
    except Exception as error:
        path, wrong = None, [f"{type(error).__name__}: {error}"]
    shared[DONE] = 1
    while not shared[LOOK]:
        time.sleep(0.001)
    told = json.dumps({"saved": path is not None, "wrong": wrong + scene.untruths(path)}).encode()
    shared[ANSWER : ANSWER + len(told)] = told


def traced(scene: Scene, *words: str) -> tuple[dict[str, Any], str]:
    """Save under strace: what the child says, and what strace saw."""
    shared = mmap.mmap(-1, 1 << 16)
    child = os.fork()
    if child == 0:
        try:
            saving(scene, shared)
        finally:
            os._exit(0)
    log = scene.run.root.parent / "strace.log"
    command = ["strace", "-p", str(child), "-o", str(log), "-e", f"trace={CALLS}", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        attached = any("attached" in line for line in iter(strace.stderr.readline, ""))
        shared[GO] = 1
        deadline = time.monotonic() + 60
        while not shared[DONE] and time.monotonic() < deadline:
            time.sleep(0.001)
        strace.terminate()  # it lets go
        strace.stderr.read()
    shared[LOOK] = 1
    os.waitpid(child, 0)
    assert attached, "strace may not attach"
    told = bytes(shared[ANSWER:]).rstrip(b"\0")
    return json.loads(told or b'{"saved": false, "wrong": ["no answer"]}'), log.read_text()


def calls_of(log: str) -> list[tuple[str, int]]:
    """(name, how manieth of that name) of every call that strace saw."""
    counted: Counter[str] = Counter()
    found = []
    for name in re.findall(r"^(\w+)\(", log, re.MULTILINE):
        counted[name] += 1
        found.append((name, counted[name]))
    return found


def trials(folder: Path, wanted: int) -> dict[str, Any]:
    """So many of all, evenly spread."""
    _, log = traced(Scene(folder / "whole" / "run"))
    calls = calls_of(log)
    every = [(name, number, code) for name, number in calls for code in ERRNOS]
    chosen = every[:: max(1, len(every) // wanted)]
    wrong, refused, saved = [], 0, 0
    for place, (name, number, code) in enumerate(chosen):
        error = errno.errorcode[code]
        done, log = traced(Scene(folder / str(place) / "run"), "-e", f"inject={name}:error={error}:when={number}")
        refused, saved = refused + ("(INJECTED)" in log), saved + done["saved"]
        wrong += [f"{name} {number} {error}: {each}" for each in done["wrong"]]
    return {"calls_of_a_save": len(calls), "trials": len(chosen), "refused": refused, "saved": saved, "wrong": wrong}


if __name__ == "__main__":
    print(json.dumps(trials(Path(sys.argv[1]), int(sys.argv[2]))), flush=True)
