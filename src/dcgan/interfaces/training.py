"""``dcgan train`` while it trains: in one process, or in one of several that train together."""

import os
import sys
from typing import TYPE_CHECKING

from dcgan.commands.options import TrainOptions
from dcgan.errors import ExitCode, UserError
from dcgan.interfaces.console import choose_display
from dcgan.interfaces.ending import telling_what_is_left
from dcgan.interfaces.signals import Stop
from dcgan.wording import plain

if TYPE_CHECKING:
    from dcgan.training.team import Processes, Team


def are_many() -> bool:
    """Whether this process was started as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def train_alone(options: TrainOptions) -> int:
    """In this process."""
    from dcgan.training.team import ALONE

    return _train(options, ALONE)


def train_together(options: TrainOptions) -> int:
    """In one of several processes: the first one speaks, and ends the run for all."""
    from dcgan.training.joining import join

    team = join({key: str(value) for key, value in options.changes().items() if key != "data.source"}, _complain)
    code: int = 1
    try:
        code = _train(options, team) if team.rank == 0 else _follow(options, team)
    except UserError as error:
        code = error.exit_code
        if team.peers.speaks:
            raise
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
        raise
    finally:
        team.peers.leave(code)
    return code


def _train(options: TrainOptions, team: "Team") -> int:
    from dcgan.commands.train import Training, conclude, introduce
    from dcgan.interfaces.progress import Progress
    from dcgan.reporting.tracking import Following, require_all

    require_all(options.track)
    with (
        telling_what_is_left(options),
        choose_display() as display,
        Training(options, display, team) as training,
        Following(options.track, training.run, display.say),
    ):
        for line in introduce(training, verbose=options.verbose):
            display.say(line)
        with Stop() as stop:
            steps, progress = training.steps(), Progress(display, training.images_seen)
            for report in steps:
                progress.step(report, training.images_total)
                if stop.asked and not team.asked:
                    display.say("Stopping: the run is being saved. Ctrl-C once more stops at once.")
                    team.asked = stop.asked
                    if team.size == 1:
                        steps.close()
                        break
        for line in conclude(training):
            display.say(line)
        return stop.asked or team.stopped_with or ExitCode.OK


def _follow(options: TrainOptions, team: "Processes") -> int:
    """Do as the first process does, until it says that the run is over."""
    from dcgan.commands.follow import follow

    with Stop() as stop:
        for _ in follow(options, team):
            team.asked = stop.asked or 0
        return int(team.peers.hear("over"))


def _complain(text: str) -> None:
    print(f"dcgan: {plain(text)}", file=sys.stderr)
