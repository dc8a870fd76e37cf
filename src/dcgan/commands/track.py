"""Track: the journal of a run told to a tracker after the fact."""

from dataclasses import dataclass
from pathlib import Path

from dcgan.commands.sharing_options import TrackOptions
from dcgan.errors import UserError
from dcgan.files import user_path
from dcgan.foreign import is_regular
from dcgan.reporting.trackers import command_of, require
from dcgan.reporting.tracking import Teller
from dcgan.runs.folder import RunFolder


@dataclass(frozen=True)
class Told:
    """What came of it."""

    run: Path
    lines: int
    """Lines of the journal that were new to the tracker."""
    command: str
    """What shows them."""


def track(options: TrackOptions) -> Told:
    """Tell the tracker what it was not told before.

    Raises:
        UserError: No such run, a missing package, or a tracker that fails.
    """
    require(options.to, "--to")
    run = RunFolder(user_path(options.run))
    if not is_regular(run.journal):
        raise UserError(f"{run.root}: has no journal. Give the folder that dcgan train made.")
    failures: list[str] = []
    teller = Teller(options.to, run, failures.append)
    lines = teller.look()
    teller.close()
    if failures:
        raise UserError(failures[0])
    return Told(run.root, lines, command_of(options.to, run.root))
