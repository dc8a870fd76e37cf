"""experiments.toml read: data sets, variants, and what is to be compared."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcgan.commands.comparing.variants import Variant, on_images_of

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "experiments"
DETECTORS = ("tiny", "second")


@dataclass(frozen=True)
class Experiment:
    """One comparison."""

    name: str
    data: str
    variants: tuple[str, ...]
    budget: str
    """Of each run."""
    group: str = "main"
    against: str = "tuned"
    """Whom the tables compare with."""
    seeds: int = 3
    samples: int = 10_000
    reference: str | None = None
    detectors: tuple[str, ...] = DETECTORS
    measures: tuple[str, ...] = ("fd", "kid")
    changes: Mapping[str, Any] | None = None
    """Settings for all of its runs."""


@dataclass(frozen=True)
class Declared:
    """The whole file."""

    data: Mapping[str, Mapping[str, Any]]
    variants: Mapping[str, Mapping[str, Any]]
    experiments: tuple[Experiment, ...]

    def variants_of(self, experiment: Experiment, folder: Path | None) -> list[Variant]:
        """Its configs, the seed left open. ``folder``: of the real data sets."""
        images = dict(self.data[experiment.data])
        size = images.pop("size")
        data = {"data.height": size, "data.width": size} | {f"data.{key}": value for key, value in images.items()}
        data["data.source"] = placed(images["source"], folder)
        shared = data | {"training.budget": experiment.budget} | dict(experiment.changes or {})
        found = []
        for name in experiment.variants:
            settings = self.settings_of(name)
            found.append(Variant(name, on_images_of("modern", settings.pop("recipe"), settings, shared)))
        return found

    def settings_of(self, name: str) -> dict[str, Any]:
        """A variant's recipe and settings, those of the one that it is ``upon`` first."""
        own = dict(self.variants[name])
        return self.settings_of(own.pop("upon")) | own if "upon" in own else own


def read(path: Path = HERE / "experiments.toml") -> Declared:
    """What is declared.

    Raises:
        TypeError: An experiment says something that none knows.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return Declared(
        data=tables["data"],
        variants=tables["variants"],
        experiments=tuple(_experiment(name, table) for name, table in tables["experiments"].items()),
    )


def data_folder() -> Path | None:
    """The folder of real data sets, if ``DCGAN_TEST_DATA`` names one."""
    named = os.environ.get("DCGAN_TEST_DATA")
    return Path(named) if named and Path(named).is_dir() else None


def placed(source: str, folder: Path | None) -> str:
    """The source with the folder of real data sets in its place."""
    return source.replace("{data}", str(folder))


def _experiment(name: str, table: dict[str, Any]) -> Experiment:
    """Keys with a dot are settings, all others its own; lists become tuples."""
    own = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items() if "." not in key}
    settings = {key: value for key, value in table.items() if "." in key}
    return Experiment(name=name, changes=settings, **own)
