"""Finds the images that a run was trained on: where its config says, or where they are now; known by their content."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from dcgan.data.dataset import Dataset
from dcgan.data.prepare import Progress, prepare
from dcgan.data.sources.open import is_named
from dcgan.errors import ExitCode, UserError
from dcgan.files import user_path
from dcgan.reporting.story import read_story
from dcgan.runs import checkpoint
from dcgan.runs.folder import RunFolder
from dcgan.runs.generator import TrainedGenerator


class Originals:
    """The source of a run's images, and how they are recognised."""

    def __init__(self, run: Path, generator: TrainedGenerator) -> None:
        self._run, self._config = run, generator.config.data
        saved = None if generator.path is None else checkpoint.read(generator.path)
        self._fingerprint = None if saved is None else str(saved.facts["fingerprint"])
        self._others: list[str] = []

    def at(self, place: str, progress: Progress | None = None) -> Dataset:
        """The images at a place that the user named.

        Raises:
            UserError: There are none, or they are not those.
        """
        dataset = self._prepared(place, progress)
        if not self._are(dataset):
            raise UserError(f"--data {place}: these are not the images that {self._run} was trained on.", ExitCode.DATA)
        return dataset

    def find(self, guesses: Sequence[str] = (), progress: Progress | None = None) -> Dataset | None:
        """The images where the config says, from here or from a folder above the run, or at one of the guesses."""
        for place in dict.fromkeys((*self._places(), *guesses)):
            if is_named(place):
                return self._prepared(place, progress)
            if user_path(place).exists():
                with suppress(UserError):  # what cannot be read is not what was trained on
                    found = self._prepared(place, progress)
                    if self._are(found):
                        return found
                self._others.append(place)
        return None

    def absence(self) -> str:
        """One sentence: what is missing, and where it was looked for."""
        source = self._config.source
        if self._others:
            return f"{self._others[0]}: not, or no longer, the images that {self._run} was trained on"
        then = self._about().get("folder")
        where = "" if Path(source).is_absolute() else f" (then in {then})" if then else " (a relative name)"
        return f"{self._run}: was trained on {source}{where}, which is not there now"

    def _are(self, dataset: Dataset) -> bool:
        return self._fingerprint in (None, dataset.fingerprint)

    def _prepared(self, place: str, progress: Progress | None) -> Dataset:
        return prepare(replace(self._config, source=place), progress)

    def _places(self) -> Iterator[str]:
        source = self._config.source
        yield source
        if self._fingerprint is None or is_named(source):
            return
        if (path := user_path(source)).is_absolute():  # perhaps run and images moved together
            yield from (str(folder / path.name) for folder in self._run.resolve().parents)
            return
        then = self._about().get("folder")
        for folder in (*([Path(str(then))] if then else []), *self._run.resolve().parents):
            yield str(folder / source)

    def _about(self) -> dict[str, Any]:
        """What was written down at the start of the run."""
        return read_story(RunFolder(self._run)).about if self._run.is_dir() else {}
