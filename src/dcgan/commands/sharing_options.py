"""The options of the commands that bring a run to other people and programs: push, serve, track; no torch here."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from dcgan.commands.options import Tracking
from dcgan.commands.spelling import Flag
from dcgan.commands.spelling import shown as _shown
from dcgan.commands.spelling import spelled as _arg


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """Send a generator to the Hugging Face hub: first shown, sent with --yes."""

    run: Annotated[str, tyro.conf.Positional, _arg("RUN|FOLDER")]
    """A run, or the folder that dcgan export --to hub made, which is sent as it is."""
    repo: Annotated[str, tyro.conf.Positional, _arg("USER/NAME")]
    """The repository on the hub; it is made if there is none."""
    yes: Flag = False
    """Send. Without it nothing is sent: the files are listed."""
    public: Flag = False
    """Let everybody see a repository that is made now (default: only you)."""


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Images by seed over HTTP, from one run or several."""

    runs: Annotated[tyro.conf.Positional[tuple[str, ...]], _arg("RUN …")]
    """Folders that dcgan train made; the first is what addresses without ?run=NAME mean."""
    host: Annotated[str, tyro.conf.arg(metavar="ADDRESS")] = "127.0.0.1"
    """127.0.0.1: this machine alone. At another address requests need a token: DCGAN_TOKEN, or one that is printed."""
    port: Annotated[int, tyro.conf.arg(metavar="N")] = 8000
    """0 takes a free one, which is printed."""
    host_names: Annotated[tuple[str, ...], tyro.conf.UseAppendAction, _arg("NAME", name="host-name")] = ()
    """A name that this service is asked for by, besides addresses and localhost; may be repeated."""
    threads: Annotated[int | None, _arg("N")] = None
    """Processor threads that draw, of each process (default: all that may be used, shared between them)."""
    workers: Annotated[int, _shown("N")] = 1
    """Processes that answer; one that dies is replaced."""
    checkpoint: Annotated[Literal["best", "last"] | None, _arg("{best,last}")] = None
    """Of each run (default: the best one if one was kept, else the last)."""


@dataclass(frozen=True, kw_only=True)
class TrackOptions:
    """What a run has in its journal, told to a tracker."""

    run: Annotated[str, tyro.conf.Positional, _arg("RUN")]
    """The folder that dcgan train made."""
    to: Annotated[Tracking, _arg("NAME")]
    """tensorboard, wandb, mlflow or trackio.
    Each is an extra, such as pip install 'dcgan[wandb]'.
    All of it stays on this machine, unless WANDB_MODE=online,
    MLFLOW_TRACKING_URI or TRACKIO_SPACE_ID name another place."""
