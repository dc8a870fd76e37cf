"""What a sitting leaves on disk, in order, and what happens while the disk refuses it.

Lines and pictures that are refused wait in memory and are tried again before whatever comes next; a picture that is
still being drawn waits too, and so does what comes after it. A checkpoint that
is refused is said to be missing, and is tried again with the state of that time. Nothing is ever said to be there
that is not.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from dcgan.commands.live.drawing import Drawing
from dcgan.errors import ExitCode, UserError
from dcgan.files import DiskError, flush, write_atomically
from dcgan.reporting.report import write_report
from dcgan.runs import checkpoint, journal, shelf
from dcgan.runs.folder import RunFolder
from dcgan.settings.knobs import RunsConfig

MISSES = 3  # checkpoints in a row that the disk may refuse


class _Entry(NamedTuple):
    """Something to write."""

    images_seen: int
    write: Callable[[], object]
    drawing: Drawing | None = None
    """It cannot be written before this is there."""

    @property
    def is_there(self) -> bool:
        return self.drawing is None or self.drawing.is_there


class Records:
    """The one writer of a run's journal, pictures, report and checkpoints."""

    def __init__(
        self, run: RunFolder, runs: RunsConfig, say: Callable[[str], object], *, saved_images: int | None = None
    ) -> None:
        """``saved_images``: of the checkpoint that the run goes on from, None without one."""
        self.run, self.say, self.saved_images = run, say, saved_images
        self.keep, self.retry_seconds = runs.keep, runs.retry_seconds
        self._waiting: deque[_Entry] = deque()
        self._complained = False
        self._misses, self._missed_at = 0, 0.0

    def event(self, event: str, images_seen: int, **facts: Any) -> None:
        """One line of the journal."""
        self._put(_Entry(images_seen, partial(journal.record, self.run.journal, event, images_seen, **facts)))

    def correction(self, images_seen: int, toml: str, text: str | None, **facts: Any) -> None:
        """The config of a run whose end was corrected, and a line of the journal; its checkpoint comes before.

        ``text``: what to say of it. None: nothing.
        """
        self._put(_Entry(images_seen, partial(write_atomically, self.run.config, toml.encode(), durable=True)))
        self.event("plan", images_seen, **facts)
        if text is not None:
            self.say(text)

    def picture(
        self, images_seen: int, drawing: Drawing, *paths: Path, shown: Callable[[Path], object] = lambda path: None
    ) -> None:
        """A PNG under each of the names, the first of which is told to ``shown`` when it is there.

        It is durable, since it is not drawn again after a restart. One at a time is being drawn.
        """
        self.finish_pictures()
        for path in paths:
            self._put(_Entry(images_seen, partial(_write_picture, path, drawing), drawing))
        self._put(_Entry(images_seen, partial(shown, paths[0])))

    def finish_pictures(self) -> None:
        """Write what is still being drawn, and all that comes after it."""
        if any(entry.drawing for entry in self._waiting):
            self._try(patiently=True)

    def rewind(self, images_seen: int, attempt: int) -> None:
        """Forget what comes after: training goes back."""
        self._waiting = deque(entry for entry in self._waiting if entry.images_seen <= images_seen)
        self._put(_Entry(images_seen, partial(journal.rewind, self.run.journal, images_seen, attempt)))

    def report(self) -> None:
        """The page, as far as the disk takes it: it is made anew each time."""
        try:
            write_report(self.run)
        except (DiskError, OSError) as error:
            self._complain(error)

    def save_is_due(self, regularly: bool) -> bool:
        """Whether to save now: when it is time, or after a miss when patience is over."""
        return time.monotonic() - self._missed_at >= self.retry_seconds if self._misses else regularly

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], role: shelf.Role = "") -> Path | None:
        """Write a checkpoint and return its path, or say that it is not written, and what is safe, and return None.

        Raises:
            UserError: The disk refused for the third time in a row.
        """
        try:
            path = self._write(tensors, facts, role)
        except DiskError as error:
            self._misses, self._missed_at = self._misses + 1, time.monotonic()
            missing = f"{error.reason}: checkpoint at image {facts['images_seen']:,} NOT saved; {self._safe()}."
            if self._misses >= MISSES:
                stopped = f"{missing} That was try {self._misses} of {MISSES}: training stops. {_ADVICE}"
                raise UserError(f"{self.run.root}: {stopped}", ExitCode.DISK) from error
            self.say(f"{missing} Training goes on, next try in {self.retry_seconds:.0f} s.")
            return None
        if self._misses:
            self.say(f"Checkpoint at image {facts['images_seen']:,} saved: the disk is there again.")
            self._misses = 0
        return path

    def save_last(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Path:
        """Write the checkpoint with which a sitting ends; a second try is the last.

        Raises:
            UserError: It is not written; says what is safe.
        """
        with suppress(DiskError):
            return self._write(tensors, facts)
        try:
            return self._write(tensors, facts)
        except DiskError as error:
            missing = f"{error.reason}: the last checkpoint, at image {facts['images_seen']:,}, is NOT saved"
            raise UserError(f"{self.run.root}: {missing}; {self._safe()}. {_ADVICE}", ExitCode.DISK) from error

    def mark_best(self, path: Path, facts: Mapping[str, Any]) -> None:
        """From now on this checkpoint is the best; if the disk refuses, which is said, the one before still is."""
        try:
            shelf.mark_best(self.run, path, facts)
        except DiskError as error:
            self._complain(error)

    def close(self) -> None:
        """Try for the last time what the disk refused.

        Raises:
            UserError: It still does; says what is missing.
        """
        try:
            self._settle()
        except DiskError as error:
            raise UserError(f"{error} The checkpoint is saved, this is lost.", ExitCode.DISK) from error

    def _write(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], role: shelf.Role = "") -> Path:
        """What lies before a checkpoint has to be on disk before it, or a loss of power could leave a gap.

        A line or a picture that the disk refuses is told of, and is no reason to lose the checkpoint too.
        """
        try:
            self._settle()
            flush(self.run.journal)
        except (DiskError, OSError) as error:
            self._complain(error)
        path = checkpoint.save(self.run, tensors, facts, keep=self.keep, role=role)
        self.saved_images = facts["images_seen"]
        return path

    def _put(self, entry: _Entry) -> None:
        self._waiting.append(entry)
        self._try()

    def _try(self, *, patiently: bool = False) -> None:
        try:
            self._settle(patiently=patiently)
        except DiskError as error:
            self._complain(error)

    def _settle(self, *, patiently: bool = True) -> None:
        """Write what waits, one after the other; ``patiently``: also what is not there yet."""
        while self._waiting and (patiently or self._waiting[0].is_there):
            try:
                self._waiting[0].write()
            except OSError as error:  # while reading what is to be written anew
                raise DiskError(self.run.root, error) from error
            self._waiting.popleft()
        self._complained = False

    def _complain(self, error: Exception) -> None:
        """Once until the disk is there again: the next try is made before whatever comes next."""
        if not self._complained:
            self.say(f"{error} It is tried again.")
        self._complained = True

    def _safe(self) -> str:
        saved = self.saved_images
        return "nothing of this run is saved yet" if saved is None else f"the one at image {saved:,} is safe"


def _write_picture(path: Path, drawing: Drawing) -> None:
    write_atomically(path, drawing.png, durable=True)


_ADVICE = "Free some space or mend the disk, and give the same command: it goes on from what is safe."
