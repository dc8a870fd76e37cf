"""The journal of a run: append-only JSON lines, one event each.

    {"event": "start",   "images_seen": 0, "time": "2026-01-31T12:00:00+00:00", "images": 200000}
    {"event": "step",    "images_seen": 1024, "seconds": 8.1, "images_per_second": 126.4, "discriminator_loss": …,
                         "generator_loss": …, "real_score": …, "fake_score": …}
    {"event": "preview", "images_seen": 512, "file": "images-0000000512.png"}
    {"event": "warning", "images_seen": 4096, "text": "…"}
    {"event": "end",     "images_seen": 200000, "seconds": 1580.2, "reason": "budget" | "interrupted" | "failed"}

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
    """The events in order. A last line torn by a crash is passed over."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry and "images_seen" in entry:
            yield entry


def rewind(path: Path, images_seen: int) -> None:
    """Forget what was written after the checkpoint that a run goes on from: it is about to happen again."""
    if path.exists():
        kept = [entry for entry in read(path) if entry["images_seen"] <= images_seen and entry["event"] != "end"]
        write_atomically(path, "".join(map(_line, kept)).encode())


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
