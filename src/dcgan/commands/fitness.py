"""What can be known to go wrong before the first image is read: device, folder, threads, memory."""

import os
from collections.abc import Callable

from dcgan.errors import LESS_MEMORY, ExitCode, UserError
from dcgan.files import require_writable
from dcgan.foreign import is_regular
from dcgan.hardware import choose_device
from dcgan.limits import available_memory
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config
from dcgan.training.memory import memory_of
from dcgan.training.team import Team

LARGE_BATCH = 1024
"""From here on it is worth the second that counting its memory takes."""


def fit_for(run: RunFolder, config: Config, say: Callable[[str], object]) -> Config:
    """The config with no more threads than the machine has; all else that no image could change is refused now.

    Raises:
        UserError: No such device, a folder that is not for a run, or a batch that memory cannot hold.
    """
    device = choose_device(config.hardware.device)
    require_writable(run.root, "Name another folder: --out FOLDER.")
    _require_own_folder(run)
    if device.type == "cpu":
        _require_memory(config)
    there, asked = os.cpu_count() or 1, config.hardware.threads
    if asked is not None and asked > there:
        say(f"--threads {asked}: this machine has {there} processor threads, so {there} are used.")
        config = config.decided({"hardware.threads": there})
    return config


def divided(run: RunFolder, config: Config, team: Team, say: Callable[[str], object], *, asked: bool) -> Config:
    """The config with as many shards as processes can compute, unless they were ``asked`` for or the run has some."""
    if team.size > 1 and not is_regular(run.config) and not asked:
        shards = team.computing(config.training.batch_size // 2)
        why = f"{team.size} processes train together"
        config = config.decided({"training.shards": shards}, {"training.shards": why})
    if (computing := team.computing(config.training.shards)) < team.size:
        say(
            f"{computing} of {team.size} processes compute, the others wait: a power of two of them shares the parts "
            f"of a batch, and this run has training.shards = {config.training.shards} (--shards, in a new run)."
        )
    return config


def _require_own_folder(run: RunFolder) -> None:
    """Refuse a folder in which something else lies than a run."""
    is_run = is_regular(run.config) or is_regular(run.lock) or os.path.isdir(run.checkpoints)  # noqa: PTH112  # takes any name
    if is_run or not os.path.isdir(run.root):  # noqa: PTH112  # as above
        return
    others = sorted(entry.name for entry in os.scandir(run.root) if not entry.name.startswith("."))
    if others:
        named = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        raise UserError(
            f"--out {run.root}: other files are in this folder ({named}). Name a new folder for the run, "
            f"such as {run.root / 'run'}."
        )


def _require_memory(config: Config) -> None:
    """Refuse a batch that was asked for, and that is larger than what memory is free for."""
    if config.training.batch_size < LARGE_BATCH or "training.batch_size" in config.undecided:
        return
    channels, classes = config.model.image_channels or 3, config.model.num_classes or 0
    known = config.decided({"model.image_channels": channels, "model.num_classes": classes})
    needed, free = sum(memory_of(known)), available_memory()
    if free is not None and needed > free:
        raise UserError(
            f"--set training.batch_size={config.training.batch_size}: a step needs about {needed / 1e9:,.1f} GB of "
            f"memory, {free / 1e9:,.1f} GB are free. {LESS_MEMORY}",
            ExitCode.MEMORY,
        )
