"""Deliberate bugs in the code that saves and resumes: tests/crash and tests/runs must notice each of them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT

SECONDS = 300  # the tests together take a fifth of it


@dataclass(frozen=True)
class Mutation:
    """In ``file`` (below src/dcgan), ``old`` becomes ``new``."""

    name: str
    file: str
    old: str
    new: str


FILES, SHELF, CHECKPOINT, JOURNAL = "files.py", "runs/shelf.py", "runs/checkpoint.py", "runs/journal.py"
STATE, SESSION, RECORDS, TRAIN = (
    "training/state.py",
    "commands/live/session.py",
    "commands/live/records.py",
    "commands/train.py",
)
GUARD, WATCH, TENSOR_FILE = "commands/live/guard.py", "commands/live/watch.py", "runs/tensor_file.py"

MUTATIONS = [
    Mutation("the file is not flushed", FILES, "            if durable:\n                flush(temporary)\n", ""),
    Mutation("the folder is not flushed", FILES, "        if durable:\n            flush(path.parent)\n", ""),
    Mutation(
        "renamed before it is flushed",
        FILES,
        "            if durable:\n                flush(temporary)\n            temporary.replace(path)\n",
        "            temporary.replace(path)\n            if durable:\n                flush(path)\n",
    ),
    Mutation("a new folder is not flushed", FILES, "        flush(made.parent)\n", "        pass\n"),
    Mutation(
        "written in place",
        FILES,
        "            write(temporary)\n",
        "            write(path)\n            write(temporary)\n",
    ),
    Mutation("not read back", FILES, "if durable and file.read_bytes() != content:", "if False:"),
    Mutation(
        "an error of the disk is swallowed",
        FILES,
        "        raise DiskError(path, error) from error\n\n\ndef append",
        "        return\n\n\ndef append",
    ),
    Mutation(
        "a flush that fails is passed over", FILES, "        if error.errno != errno.EINVAL:", "        if False:"
    ),
    Mutation("half a line stays", FILES, "                file.truncate(before)\n", ""),
    Mutation(
        "after a torn line nothing begins anew", FILES, 'in (b"", b"\\n") else b"\\n")', 'in (b"", b"\\n") else b"")'
    ),
    Mutation("strays stay", FILES, "            path.unlink()\n", "            pass\n"),
    Mutation(
        "pruned before it is written",
        CHECKPOINT,
        "    write_atomically(path, content, durable=True)\n    prune(run, path, keep)\n",
        "    prune(run, path, 1)\n    write_atomically(path, content, durable=True)\n",
    ),
    Mutation(
        "a checkpoint is not durable",
        CHECKPOINT,
        "write_atomically(path, content, durable=True)",
        "write_atomically(path, content)",
    ),
    Mutation("any hash will do", TENSOR_FILE, "if content.sha256 != _digest_in(path):", "if False:"),
    Mutation("one is kept too few", SHELF, "*earlier[keep - 1 :]", "*earlier[:]"),
    Mutation(
        "the best is pruned", SHELF, '{_marked(run).get("file"), anchor.name, sound.name}', "{anchor.name, sound.name}"
    ),
    Mutation("the anchor is pruned", SHELF, '.get("file"), anchor.name, sound.name}', '.get("file"), sound.name}'),
    Mutation("the sound one is pruned", SHELF, '.get("file"), anchor.name, sound.name}', '.get("file"), anchor.name}'),
    Mutation(
        "a later attempt is not newer", SHELF, "return int(match[2] or 0), int(match[1])", "return 0, int(match[1])"
    ),
    Mutation(
        "damaged ones are not set aside", SHELF, '        path.replace(path.with_suffix(".bad"))\n', "        pass\n"
    ),
    Mutation(
        "what a roll-back leaves behind stays",
        SHELF,
        "            if _position(path) > (attempt, images_seen):",
        "            if False:",
    ),
    Mutation("the journal is not taken back", JOURNAL, 'entry["images_seen"] <= images_seen and', "True and"),
    Mutation("a line may come twice", JOURNAL, "        if repeated:\n            continue\n", ""),
    Mutation("a roll-back may come twice", JOURNAL, 'entry.get("attempt", 0) <= attempt', "True"),
    Mutation("the journal's name is not flushed", JOURNAL, "encode(), durable=True)", "encode())"),
    Mutation(
        "the optimisers are forgotten",
        STATE,
        "        for name, tensor in own.items():\n            tensor.copy_",
        '        for name, tensor in own.items():\n            "optimizer" in name or tensor.copy_',
    ),
    Mutation(
        "the average is forgotten",
        STATE,
        "        for name, tensor in own.items():\n            tensor.copy_",
        '        for name, tensor in own.items():\n            name.startswith("average") or tensor.copy_',
    ),
    Mutation(
        "the sums are forgotten",
        STATE,
        "        for name, tensor in own.items():\n            tensor.copy_",
        '        for name, tensor in own.items():\n            name.startswith("sums") or tensor.copy_',
    ),
    Mutation(
        "the attempt is forgotten",
        STATE,
        'self.images_seen, self.attempt = facts["images_seen"], facts["attempt"]',
        'self.images_seen = facts["images_seen"]',
    ),
    Mutation(
        "a NaN is saved",
        SESSION,
        "        if (broken := self.state.first_broken()) is not None:\n",
        "        if False:\n",
    ),
    Mutation("a roll-back is no other attempt", GUARD, "    state.attempt = attempt\n", ""),
    Mutation(
        "back to the newest instead of the anchor",
        GUARD,
        "shelf.is_sound if sound else shelf.is_anchor",
        "shelf.is_sound if sound else lambda path: True",
    ),
    Mutation("back to what was not sound", GUARD, "shelf.is_sound if sound else shelf.is_anchor", "shelf.is_anchor"),
    Mutation("what is slow is taken for collapsed", GUARD, "if not (slow and", "if not (False and"),
    Mutation("the guard never tires", GUARD, " or attempt >= training.rollbacks", ""),
    Mutation("old scores ring again", WATCH, "for event in events[last:] if", "for event in events if"),
    Mutation(
        "kept before it is judged",
        SESSION,
        "            vitals = vitals_of(events)\n",
        '            self.save("sound")\n            vitals = vitals_of(events)\n',
    ),
    Mutation("a NaN is measured and kept", SESSION, "if due.save or due.look or", "if due.save or"),
    Mutation(
        "saved before the line",
        SESSION,
        "        if due.journal:\n            self._write_journal()\n",
        '        if due.save:\n            self.save("anchor")\n        if due.journal:\n            self._write_journal()\n',
    ),
    Mutation(
        "the last preview comes after the last save",
        SESSION,
        "        if self.finished:\n            self._preview()\n",
        "        self.records.save_last(*self._contents())\n        if self.finished:\n            self._preview()\n"
        "            self.records.save_last = lambda *_: None\n",
    ),
    Mutation("the journal is not flushed before the checkpoint", RECORDS, "            flush(self.run.journal)\n", ""),
    Mutation(
        "pictures are not durable",
        RECORDS,
        "write_atomically(path, drawing.png, durable=True)",
        "write_atomically(path, drawing.png)",
    ),
    Mutation(
        "a miss is called saved",
        RECORDS,
        '            self.say(f"{missing} Training',
        '            return self.run.checkpoints\n            self.say(f"{missing} Training',
    ),
    Mutation(
        "misses are not counted",
        RECORDS,
        "self._misses, self._missed_at = self._misses + 1,",
        "self._misses, self._missed_at = 1,",
    ),
    Mutation(
        "the last save may fail in silence",
        RECORDS,
        '            raise UserError(f"{self.run.root}: {missing}; {self._safe()}. {_ADVICE}", ExitCode.DISK) from error\n',
        "            return self.run.checkpoints\n",
    ),
    Mutation("a killed end is not written", TRAIN, "            self.session.conclude()\n", ""),
]


def applied(mutation: Mutation, source: str) -> str:
    """The file's text with the bug in it."""
    assert source.count(mutation.old) == 1, f"{mutation.name}: {source.count(mutation.old)} places in {mutation.file}"
    return source.replace(mutation.old, mutation.new)


FIRST = {  # the tests that are most likely to notice a bug in a file; the others only when they do not
    FILES: ["test_power_loss.py", "test_errnos.py", "test_disk_refuses.py"],
    SHELF: ["test_shelf.py", "test_roll_back.py", "test_guard.py", "test_train.py"],
    CHECKPOINT: ["test_disk_refuses.py", "test_power_loss.py"],
    JOURNAL: ["test_journal.py", "test_power_loss.py", "test_errnos.py", "test_roll_back.py"],
    STATE: ["test_roll_back.py"],
    SESSION: ["test_roll_back.py", "test_guard.py", "test_kills.py"],
    GUARD: ["test_guard.py", "test_roll_back.py"],
    WATCH: ["test_guard.py"],
    RECORDS: ["test_disk_refuses.py", "test_power_loss.py"],
    TRAIN: ["test_kills.py"],
    TENSOR_FILE: ["test_train.py"],
}


def survives(mutation: Mutation, folder: Path) -> dict[str, Any]:
    """Run tests/crash and tests/runs on a source with the bug in it; ``caught_by`` names the first test that failed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "src" / "dcgan" / mutation.file
    path.write_text(applied(mutation, path.read_text()))
    others = ("mutations", "hostile")  # this list's own test, and those that are about other files than ours
    rooms = (ROOT / "tests" / "crash", ROOT / "tests" / "runs")
    found = [
        path for room in rooms for path in sorted(room.glob("test_*.py")) if not any(w in path.name for w in others)
    ]
    found.append(ROOT / "tests" / "commands" / "test_train.py")
    by_name = {path.name: path for path in found}
    likely = [by_name[name] for name in FIRST.get(mutation.file, [])]
    caught_by = (likely and _failing(likely, folder)) or _failing(
        [path for path in found if path not in likely], folder
    )
    shutil.rmtree(folder, ignore_errors=True)
    return {"mutation": mutation.name, "file": mutation.file, "caught_by": caught_by}


def _failing(tests: list[Path], folder: Path) -> str:
    """The first test that fails on the source in the folder; empty if none does."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "OMP_NUM_THREADS": "1"}
    words = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--basetemp", str(folder / "tmp"), "-p", "no:xdist"]
    command = [sys.executable, *words, *map(str, tests)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"the clock, after {SECONDS} s"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].split(" - ")[0].rpartition("/")[2] if failed else ""
