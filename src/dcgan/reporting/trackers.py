"""Four programs that keep the numbers of runs: what a run tells, in the calls that each of them has.

None of them sends anything away by itself: TensorBoard and MLflow write files, W&B is told to stay offline, and
Trackio keeps its own database. Each obeys the variables of its own by which a person asks for a server.
"""

import hashlib
import importlib
import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from dcgan.errors import UserError

Name = Literal["tensorboard", "wandb", "mlflow", "trackio"]
PROJECT = "dcgan"
MODULES: Mapping[str, tuple[str, ...]] = {
    "tensorboard": ("torch.utils.tensorboard",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow", "sqlalchemy"),
    "trackio": ("trackio",),
}
COMMANDS = {
    "tensorboard": "tensorboard --logdir {run}",
    "wandb": "wandb sync {run}/wandb/offline-run-*",
    "mlflow": "mlflow ui",
    "trackio": "trackio show --project dcgan",
}
Numbers = Mapping[str, float]


class Tracker(Protocol):
    """What all of them can be told; any call may fail."""

    identity: str
    """By which the same run is found again in a later sitting."""

    def numbers(self, images_seen: int, values: Numbers) -> None:
        """Finite numbers by their names."""

    def picture(self, images_seen: int, path: Path) -> None:
        """A grid of generated images, a PNG file."""

    def words(self, images_seen: int, text: str) -> None:
        """A warning."""

    def close(self, finished: bool) -> None:
        """End the sitting; ``finished``: the run has come to its end."""


def require(name: str, option: str) -> None:
    """Refuse a tracker whose package is missing, before anything else is done.

    Raises:
        UserError: Says what to install.
    """
    if name not in get_args(Name):
        raise UserError(f"{option} {name}: must be one of {', '.join(get_args(Name))}.")
    for module in MODULES[name]:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UserError(f"{option} {name}: is not installed ({error}): pip install 'dcgan[{name}]'") from error


def command_of(name: str, run: Path) -> str:
    """What shows a run, told by this tracker."""
    return COMMANDS[name].format(run=run)


def new_tracker(name: str, run: Path, settings: Mapping[str, Any], identity: str | None) -> Tracker:
    """A tracker that tells of the run in the folder ``run``; ``identity``: that of its last sitting."""
    return TRACKERS[name](run.absolute(), settings, identity)


class TensorBoard:
    """Event files in RUN/tensorboard."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str | None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.identity = "tensorboard"
        self._writer = SummaryWriter(str(run / "tensorboard"))
        if identity is None:
            table = "\n".join(
                ["| setting | value |", "|---|---|", *(f"| {key} | {settings[key]} |" for key in settings)]
            )
            self._writer.add_text("settings", table, 0)

    def numbers(self, images_seen: int, values: Numbers) -> None:
        """One scalar each."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, images_seen)

    def picture(self, images_seen: int, path: Path) -> None:
        """As pixels h w c."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            self._writer.add_image("images", np.asarray(image.convert("RGB")), images_seen, dataformats="HWC")

    def words(self, images_seen: int, text: str) -> None:
        """As a text."""
        self._writer.add_text("warnings", text, images_seen)

    def close(self, finished: bool) -> None:
        """Everything is in the file then."""
        self._writer.close()


class WeightsAndBiases:
    """A folder that ``wandb sync`` sends, unless WANDB_MODE=online asks for more."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str | None) -> None:
        import wandb

        self.identity = identity or hashlib.sha256(f"{run}{time.time()}".encode()).hexdigest()[:16]
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            dir=str(run),
            id=self.identity,
            name=run.name,
            config=dict(settings),
            mode=mode,
            resume="allow",
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._run.define_metric("*", step_metric="images_seen")  # its own steps cannot go back, a run can

    def numbers(self, images_seen: int, values: Numbers) -> None:
        """One record."""
        self._run.log({"images_seen": images_seen, **values})

    def picture(self, images_seen: int, path: Path) -> None:
        """As a file."""
        import wandb

        self._run.log({"images_seen": images_seen, "images": wandb.Image(str(path))})

    def words(self, images_seen: int, text: str) -> None:
        """As an alert of the run."""
        self._run.alert(title="dcgan", text=f"{images_seen:,} images: {text}")

    def close(self, finished: bool) -> None:
        """The exit code says how it went."""
        self._run.finish(exit_code=0 if finished else 1)


class MLflow:
    """A database mlflow.db in this folder, unless MLFLOW_TRACKING_URI names another place."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str | None) -> None:
        from mlflow import MlflowClient

        for logger in ("mlflow", "alembic"):  # they tell of every table of a new database
            logging.getLogger(logger).setLevel(logging.WARNING)
        self._client = MlflowClient()
        if identity is None:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
            found = self._client.get_experiment_by_name(name)
            experiment = found.experiment_id if found else self._client.create_experiment(name)
            identity = str(self._client.create_run(experiment, run_name=run.name).info.run_id)
            for key, value in settings.items():
                self._client.log_param(identity, key, value)
        self.identity = identity

    def numbers(self, images_seen: int, values: Numbers) -> None:
        """One metric each."""
        for name, value in values.items():
            self._client.log_metric(self.identity, name, value, step=images_seen)

    def picture(self, images_seen: int, path: Path) -> None:
        """As an artifact."""
        self._client.log_artifact(self.identity, str(path), "images")

    def words(self, images_seen: int, text: str) -> None:
        """As a tag, by the images seen."""
        self._client.set_tag(self.identity, f"warning.{images_seen}", text)

    def close(self, finished: bool) -> None:
        """A run that was interrupted is resumable: KILLED is what MLflow calls that."""
        self._client.set_terminated(self.identity, "FINISHED" if finished else "KILLED")


class Trackio:
    """Trackio's own database on this machine, unless TRACKIO_SPACE_ID names a Space."""

    def __init__(self, run: Path, settings: Mapping[str, Any], identity: str | None) -> None:
        import trackio

        self.identity = identity or f"{run.name}-{hashlib.sha256(f'{run}{time.time()}'.encode()).hexdigest()[:6]}"
        self._trackio = trackio
        trackio.init(
            project=PROJECT,
            name=self.identity,
            config=dict(settings),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )

    def numbers(self, images_seen: int, values: Numbers) -> None:
        """One record."""
        self._trackio.log(dict(values), step=images_seen)

    def picture(self, images_seen: int, path: Path) -> None:
        """As a file."""
        self._trackio.log({"images": self._trackio.Image(str(path))}, step=images_seen)

    def words(self, images_seen: int, text: str) -> None:
        """As an alert of the run."""
        self._trackio.alert(title="dcgan", text=f"{images_seen:,} images: {text}")

    def close(self, finished: bool) -> None:
        """Write what waits."""
        self._trackio.finish()


TRACKERS: dict[str, Callable[[Path, Mapping[str, Any], str | None], Tracker]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
    "trackio": Trackio,
}


def finite(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, float]:
    """Those of the names that have finite numbers."""
    return {
        name: float(value)
        for name in names
        if isinstance(value := values.get(name), int | float) and math.isfinite(value)
    }
