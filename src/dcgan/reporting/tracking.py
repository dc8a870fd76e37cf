"""A run's journal told to a tracker, line by line, while the run trains or afterwards.

What is told comes from the files of the run alone: training knows nothing of it. A tracker that fails is said once,
and the rest of the sitting does without it.
"""

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from dcgan.errors import UserError
from dcgan.files import write_atomically
from dcgan.foreign import read_bytes
from dcgan.reporting.trackers import Tracker, command_of, finite, new_tracker, require
from dcgan.runs import journal
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import read_toml

SECONDS = 2.0  # between two looks at the journal
CLOSING_SECONDS = 60.0  # that a tracker may take at the end
MAX_BYTES = 100_000
NUMBERS = {
    "step": ("discriminator_loss", "generator_loss", "real_score", "fake_score", "images_per_second"),
    "evaluation": ("distance", "frechet", "diversity", "contrast", "overfitting"),
}
"""What is told of an event of the journal."""

Entry = dict[str, Any]


class Teller:
    """Tells one tracker of one run, and remembers in the run how far it has come."""

    def __init__(self, name: str, run: RunFolder, say: Callable[[str], object]) -> None:
        self.name, self.run, self._say = name, run, say
        self._tracker: Tracker | None = None
        self._told: list[Entry] = []
        self._failed, self._finished = False, False
        kept = _kept(run).get(name)
        self._until: int = kept["images_seen"] if kept else -1
        self._identity: str | None = kept["identity"] if kept else None

    def look(self) -> int:
        """Tell what is new in the journal; the number of lines that were told."""
        if self._failed:
            return 0
        try:
            return self._tell()
        except Exception as error:  # whatever it is: the run is not about it
            self._fail(error)
            return 0

    def close(self) -> None:
        """Tell the rest, and end."""
        self.look()
        if self._tracker is None:
            return
        try:
            self._tracker.close(self._finished)
            if not self._failed:
                seen = max([self._until, *(int(entry["images_seen"]) for entry in self._told)])
                kept = _kept(self.run) | {self.name: {"images_seen": seen, "identity": self._tracker.identity}}
                write_atomically(self.run.tracked, json.dumps(kept, indent=1).encode())
        except Exception as error:
            self._fail(error)

    def _tell(self) -> int:
        entries = list(journal.read(self.run.journal))
        same = 0  # a roll-back takes lines back: from there on they are told again
        while same < min(len(entries), len(self._told)) and entries[same] == self._told[same]:
            same += 1
        new = entries[same:]
        if not self._told:  # an earlier sitting has told what comes before
            new = [entry for entry in new if int(entry["images_seen"]) > self._until]
        for entry in new:
            if self._tracker is None:
                self._tracker = new_tracker(self.name, self.run.root, _settings(self.run), self._identity)
            self._one(self._tracker, entry)
        self._told = entries
        return len(new)

    def _one(self, tracker: Tracker, entry: Entry) -> None:
        seen, event = int(entry["images_seen"]), entry["event"]
        if values := finite(entry, NUMBERS.get(event, ())):
            tracker.numbers(seen, values)
        elif event == "preview" and (path := self.run.preview(seen)).is_file():
            tracker.picture(seen, path)
        elif event in ("warning", "rollback"):
            tracker.words(seen, str(entry.get("text", "")))
        elif event == "end":
            self._finished = entry.get("reason") == "budget"

    def _fail(self, error: Exception) -> None:
        if not self._failed:
            self._failed = True
            reason = f"{type(error).__name__}: {error}"[:300]
            self._say(
                f"{self.name} failed, and is told nothing more in this sitting ({reason}). Training goes on; "
                f"dcgan track {self.run.root} --to {self.name} sends the rest."
            )


def require_all(names: Sequence[str]) -> None:
    """Refuse what is missing before the first image.

    Raises:
        UserError: Says what to install.
    """
    for name in names:
        require(name, "--track")


class Following:
    """Tells trackers of a run while it trains, from a thread of its own. A context manager."""

    def __init__(self, names: Sequence[str], run: RunFolder, say: Callable[[str], object]) -> None:
        self._tellers = [Teller(name, run, say) for name in dict.fromkeys(names)]
        self._say, self._stop = say, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="tracking", daemon=True)

    def __enter__(self) -> Self:
        for teller in self._tellers:
            self._say(f"Tracked by {teller.name}; to see it: {command_of(teller.name, teller.run.root)}")
        if self._tellers:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        if self._tellers:
            self._thread.join(CLOSING_SECONDS)
            if self._thread.is_alive():
                self._say(f"A tracker did not end within {CLOSING_SECONDS:.0f} s and is left alone; the run is saved.")

    def _follow(self) -> None:
        while not self._stop.wait(SECONDS):
            for teller in self._tellers:
                teller.look()
        for teller in self._tellers:
            teller.close()


def _settings(run: RunFolder) -> dict[str, Any]:
    try:
        return read_toml(run.config)
    except UserError:
        return {}


def _kept(run: RunFolder) -> dict[str, Any]:
    """What earlier sittings have told; nothing of a file that is not theirs."""
    try:
        kept = json.loads(read_bytes(run.tracked, MAX_BYTES))
        return {
            name: one
            for name, one in kept.items()
            if isinstance(one["images_seen"], int) and isinstance(one["identity"], str)
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, UserError):
        return {}
