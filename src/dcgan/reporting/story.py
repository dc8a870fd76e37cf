"""What a run folder tells: its settings, its journal as columns of numbers, and the state it is in."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from dcgan.data.report import DatasetReport
from dcgan.errors import UserError
from dcgan.foreign import read_bytes
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import read_toml

State = Literal["waiting", "training", "finished", "interrupted", "failed", "stopped"]

SECONDS_OF_SILENCE = 900.0
"""A run whose journal has been quiet for so long has died without a word."""

MAX_JSON_BYTES = 100_000_000

PLANS = ("start", "plan", "rollback")
"""Events that tell the number of images that the budget is."""

COLUMNS = ("discriminator_loss", "generator_loss", "real_score", "fake_score", "images_per_second", "seconds")


class Looked(NamedTuple):
    """What was measured while training."""

    images_seen: int
    distance: float


class Course(NamedTuple):
    """Columns of numbers over a run."""

    unit: str
    """What is counted along it."""
    positions: np.ndarray
    columns: Mapping[str, np.ndarray]
    end: float
    """Where the run is now."""


@dataclass(frozen=True)
class Story:
    """Everything the pictures need, read once. Absent files leave their part empty."""

    config: dict[str, Any]
    about: dict[str, Any]
    data: list[str]
    """The report on the data, in words."""
    state: State
    images_seen: int
    images_total: int | None
    seconds: float
    warnings: list[tuple[int, str]]
    evaluations: list[Looked]
    steps: np.ndarray
    """Images seen at each step event, increasing."""
    columns: dict[str, np.ndarray]
    """Each of ``COLUMNS`` at those steps; NaN where the journal has no finite number."""
    epochs: Course | None = None
    """Means over epochs, where the recipe thinks in those."""

    @property
    def course(self) -> Course:
        """What curves are drawn of: epochs, else steps."""
        return self.epochs or Course("images seen", self.steps, self.columns, self.images_seen)

    @property
    def images_per_second(self) -> float:
        """Over all of the training, NaN before there is any."""
        return self.images_seen / self.seconds if self.seconds > 0 else math.nan

    @property
    def latest_speed(self) -> float | None:
        """Images per second in the last lines of the journal, else over all; None before there are any."""
        speeds = self.columns["images_per_second"][-3:]
        known = speeds[np.isfinite(speeds) & (speeds > 0)]
        if len(known):
            return float(np.median(known))
        return self.images_per_second if self.seconds > 0 and self.images_seen else None


def read_story(run: RunFolder) -> Story:
    """Read a run folder, whatever is there of it; nothing in it can make this fail."""
    events = [event for event in journal.read(run.journal) if _number(event["images_seen"]) >= 0]
    config = _config(run.config)
    steps, columns = _columns(events, "step", "images_seen")
    epochs, means = _columns(events, "epoch", "epoch")
    warnings = [
        (int(e["images_seen"]), str(e.get("text", ""))) for e in events if e["event"] in ("warning", "rollback")
    ]
    looks = [Looked(int(e["images_seen"]), _number(e.get("distance"))) for e in events if e["event"] == "evaluation"]
    totals = [_number(event.get("images")) for event in events if event["event"] in PLANS]
    total = next((value for value in [*reversed(totals), _number(config.get("training.images"))] if value > 0), None)
    times = [_number(event.get("seconds")) for event in events]
    return Story(
        config=config,
        about=_json(run.about),
        data=_data(run.dataset),
        state=_state(events, run.journal),
        images_seen=max((int(event["images_seen"]) for event in events), default=0),
        images_total=None if total is None else int(total),
        seconds=max((value for value in times if value >= 0), default=0.0),
        warnings=warnings,
        evaluations=looks,
        steps=steps,
        columns=columns,
        epochs=Course("epoch", epochs, means, float(epochs[-1])) if len(epochs) else None,
    )


def _columns(events: list[dict[str, Any]], kind: str, key: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Of the events of a kind: their positions by the key, increasing, and each of ``COLUMNS`` there."""
    by_position = {
        int(at): event for event in events if event["event"] == kind and (at := _number(event.get(key))) >= 0
    }
    chosen = [by_position[position] for position in sorted(by_position)]
    columns = {name: np.array([_number(event.get(name)) for event in chosen], dtype=np.float64) for name in COLUMNS}
    return np.array(sorted(by_position), dtype=np.float64), columns


def _state(events: list[dict[str, Any]], path: Path) -> State:
    turns = [event for event in events if event["event"] in ("start", "end")]
    if not events:
        return "waiting"
    if turns and turns[-1]["event"] == "end":
        ends: dict[str, State] = {"budget": "finished", "failed": "failed"}
        return ends.get(str(turns[-1].get("reason")), "interrupted")
    return "stopped" if time.time() - path.stat().st_mtime > SECONDS_OF_SILENCE else "training"


def _number(value: object) -> float:
    """A finite number, else NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _config(path: Path) -> dict[str, Any]:
    try:
        return {key: value for key, value in read_toml(path).items() if value != "none"}
    except UserError:
        return {}


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path, MAX_JSON_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _data(path: Path) -> list[str]:
    values = _json(path)
    try:
        return DatasetReport.from_json(values).lines()
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        lines = values.get("lines")  # of another version of the report, perhaps
        return [str(line) for line in lines] if isinstance(lines, list) else []
