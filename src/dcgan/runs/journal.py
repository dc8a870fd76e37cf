"""The journal of a run: append-only JSON lines, one event each.

    {"event": "start",   "images_seen": 0, "time": "2026-01-31T12:00:00+00:00", "images": 200000}
    {"event": "step",    "images_seen": 1024, "seconds": 8.1, "images_per_second": 126.4, "discriminator_loss": …,
                         "generator_loss": …, "real_score": …, "fake_score": …}
    {"event": "epoch",   "images_seen": 2022, "epoch": 1, …}    as a step, but means over the epoch: ``runs.by_epochs``
    {"event": "preview", "images_seen": 512, "file": "images-0000000512.png"}
    {"event": "warning", "images_seen": 4096, "text": "…"}
    {"event": "rollback", "images_seen": 3072, "attempt": 1, "came_from": 4096, "text": "…"}
    {"event": "end",     "images_seen": 200000, "seconds": 1580.2, "reason": "budget" | "interrupted" | "failed"}

A rollback's ``came_from`` is where the fault was noticed: for a broken number that may be at a save, and so depend on
the clock.
Numbers in a step event are means since the step event before. ``seconds`` counts training time over all starts.
Every event is a function of the run alone but for its times and speeds.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dcgan.files import append, write_atomically


def record(path: Path, event: str, images_seen: int, **facts: Any) -> None:
    """Append one event."""
    append(path, _line({"event": event, "images_seen": images_seen, **facts}))


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events in order. A line torn by a crash is passed over, and one that is there twice.

    The second happens when the disk took a line, and refused to close the file: it was then written again.
    """
    if not path.exists():
        return
    before = b""
    for line in path.read_bytes().split(b"\n"):
        before, repeated = line, line == before
        if repeated:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry and "images_seen" in entry:
            yield entry


def rewind(path: Path, images_seen: int, attempt: int = 0) -> None:
    """Forget what was written after the checkpoint that a run goes on from: it is about to happen again.

    The same holds for roll-backs to later attempts than the checkpoint's. Where there is no journal yet, an empty one
    is written durably: flushing it later would not flush its name.
    """
    kept = [
        entry
        for entry in read(path)
        if entry["images_seen"] <= images_seen and entry.get("attempt", 0) <= attempt and entry["event"] != "end"
    ]
    write_atomically(path, "".join(map(_line, kept)).encode(), durable=True)


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
