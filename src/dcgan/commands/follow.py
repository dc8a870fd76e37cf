"""What the other processes of a run do: they take part in every step, and write, draw and say nothing."""

from collections.abc import Iterator
from typing import Any

import torch

from dcgan.commands.options import TrainOptions
from dcgan.data.prepare import Dataset, prepare
from dcgan.errors import ExitCode, UserError
from dcgan.hardware import choose_device
from dcgan.settings.config import Config, from_tables
from dcgan.settings.recipes import complete
from dcgan.training.loop import train_to_end
from dcgan.training.setup import advance_of, batches_of, feed_of, new_state, rules_of
from dcgan.training.speed import warm_up
from dcgan.training.step import StepReport
from dcgan.training.team import Processes


def follow(options: TrainOptions, team: Processes) -> Iterator[StepReport]:
    """Train as the first process says; one report a step, none where there are more processes than shards."""
    plan = team.peers.hear("plan")
    try:
        config, dataset = _prepared(plan, options)
    except UserError as error:
        team.peers.tell(f"ready/{team.rank}", {"text": str(error), "code": int(error.exit_code)})
        raise
    device = choose_device(config.hardware.device)
    torch.set_num_threads(config.hardware.threads or 1)
    state, batches = new_state(config, device, blank=True), batches_of(config, dataset)
    warm_up(config, device, batches.sizes)
    team.peers.tell(f"ready/{team.rank}", None)
    if team.rank >= team.computing(config.training.shards):
        while team.next_step(state, config.training):
            pass
        return
    advance = advance_of(state, rules_of(config, device, team), config.hardware.step)
    feed = feed_of(config, batches, device, team)
    try:
        yield from train_to_end(state, feed, advance, training=lambda: config.training, team=team)
    finally:
        feed.close()


def _prepared(plan: dict[str, Any], options: TrainOptions) -> tuple[Config, Dataset]:
    """The config, with the source where it lies for this process, and the same images."""
    config = complete(from_tables(plan["config"]) | {"undecided": ()})
    device = config.hardware.device
    changes = {"hardware.device": "cuda"} if device.startswith("cuda") else {}
    source = options.given()["data.source"]
    config = config.asked(changes if source is None else changes | {"data.source": source})
    dataset = prepare(config.data).trained_on(config.data.labels)
    if dataset.fingerprint != plan["fingerprint"]:
        told = f"{config.data.source}: these are not the images that process 0 trains on"
        raise UserError(told, ExitCode.DATA)
    return config, dataset
