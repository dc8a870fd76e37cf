"""Compare: runs side by side, those that are there or those that it trains."""

import json
import statistics
import time
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dcgan.commands.comparing.results import Procedure, Result
from dcgan.commands.comparing.tally import Column, tables
from dcgan.commands.comparing.trials import Outcome, Trial, run_trials
from dcgan.commands.comparing.variants import Variant, combine, identity, parse_vary
from dcgan.commands.live.listener import Listener
from dcgan.commands.measuring_options import CompareOptions
from dcgan.commands.plan import decide as decide_one
from dcgan.data.prepare import Dataset, prepare
from dcgan.errors import UserError
from dcgan.evaluation.detectors.by_name import DEFAULT_DETECTORS, detector
from dcgan.files import user_path, write_atomically
from dcgan.hardware import machine_name
from dcgan.limits import available_threads
from dcgan.reporting.comparison import Side, write_comparison
from dcgan.reporting.story import read_story
from dcgan.reporting.table import Table
from dcgan.runs.comparison import ComparisonFolder
from dcgan.runs.config_file import saved_config
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config, flatten, from_tables
from dcgan.training.fastest import speed_of
from dcgan.wording import duration, number, plain

ROUNDS = 5  # in which speeds are measured before they are compared
UNPLANNED = {"training.images": None, "training.anchor_every_images": None, "training.images_per_second": None}
"""The speed, and the settings that follow from it."""
REFRESH_SECONDS = 5.0  # between two writings of the page, at least


class Comparison:
    """What is compared, planned to the number of images of each run; nothing is trained yet."""

    def __init__(
        self, columns: Sequence[Column], folder: ComparisonFolder, protocol: Procedure, *, title: str, facts: str
    ) -> None:
        self.columns, self.folder, self.protocol = columns, folder, protocol
        self.title, self.facts = title, facts
        self.results: dict[str, Result] = {}
        self.troubles: list[str] = []

    def trials(self) -> list[Trial]:
        """What is wanted, seed by seed, so that a comparison that was stopped has as many runs of each."""
        most = max(len(column.trials) for column in self.columns)
        turns = [[column.trials[turn] for column in self.columns if turn < len(column.trials)] for turn in range(most)]
        return list({trial.key: trial for turn in turns for trial in turn}.values())

    def outcomes(self, jobs: int) -> Generator[Outcome | None]:
        """Do what is missing; ``None`` a few times a second, so that a caller can stop. The page grows meanwhile."""
        written = -REFRESH_SECONDS
        try:
            for outcome in run_trials(self.folder, self.trials(), self.protocol, jobs=jobs):
                if outcome is not None:
                    self._take(outcome)
                    if time.monotonic() - written > REFRESH_SECONDS:
                        self.write()
                        written = time.monotonic()
                yield outcome
        finally:
            self.write()

    def _take(self, outcome: Outcome) -> None:
        if outcome.result is not None:
            self.results[outcome.trial.key] = outcome.result
        else:
            self.troubles.append(f"{outcome.trial.name}, seed {outcome.trial.config.seed}: {outcome.trouble}")

    def tables(self) -> list[Table]:
        """The measurements that say most, what they took, then all others."""
        return tables(self.columns, self.results)

    def write(self) -> None:
        """Write page and results as far as they are there."""
        sides = [Side(column.name, [trial.run for trial in column.trials]) for column in self.columns]
        write_comparison(self.folder.report, self.title, self.facts, sides, self.tables())
        write_atomically(self.folder.results, self.to_json().encode())

    def to_json(self) -> str:
        """Every result, by variant; and which runs have none, and why."""
        variants = []
        for column in self.columns:
            found = [self.results[trial.key].to_json() for trial in column.trials if trial.key in self.results]
            variants.append({"name": column.name, "results": found})
        content = {"title": self.title, "facts": self.facts, "variants": variants, "troubles": self.troubles}
        return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def compare(options: CompareOptions, listener: Listener) -> Comparison:
    """Plan a comparison: read the runs, or prepare the images and measure the speed of every variant.

    Raises:
        UserError: Options that contradict each other, no such run, setting or data.
    """
    options.check()
    folder = ComparisonFolder(user_path(options.out))
    protocol = Procedure(options.detectors or DEFAULT_DETECTORS, options.samples, options.reference)
    for name in protocol.detectors if protocol.samples else ():
        detector(name)  # a wrong name is told before hours of training, not after
    if options.runs:
        columns = [existing(name, options.source) for name in dict.fromkeys(options.runs)]
        return Comparison(columns, folder, protocol, title=f"{len(columns)} runs", facts="Runs that were there.")
    variants = combine(options.recipe or "modern", options.changes(), parse_vary(options.vary) if options.vary else {})
    threads = options.threads or max(1, available_threads() // options.jobs)
    columns = plan(folder, variants, listener, repeats=options.repeats, threads=threads)
    source = Path(variants[0].config.data.source).name
    runs = "One run" if options.repeats == 1 else f"{options.repeats} runs"
    facts = f"{runs} of each with the same seeds, {options.budget} each, on the same images."
    return Comparison(columns, folder, protocol, title=f"{source}: {len(columns)} variants", facts=facts)


def existing(name: str, data: str | None = None) -> Column:
    """A run that is there, as it is; ``data``: where its images are now, if they have moved.

    Raises:
        UserError: There is none.
    """
    run = RunFolder(user_path(name))
    story = read_story(run)
    if not run.config.exists() or not story.images_seen:
        raise UserError(f"{name}: no run that has begun is here. Expected a folder that dcgan train made.")
    config = saved_config(run).decided({"training.images": story.images_seen})
    key = identity(config, str(story.about.get("fingerprint", "")))
    return Column(name, [Trial(name, key, config, run, trained=True, data=data)])


def plan(
    folder: ComparisonFolder, variants: Sequence[Variant], listener: Listener, *, repeats: int, threads: int
) -> list[Column]:
    """Every run of every variant, with all that is open in its config decided, once for all repeats and continuations.

    Raises:
        UserError: The data or the machine cannot do what was asked for.
    """
    torch.set_num_threads(threads)
    datasets = {variant.name: prepare(variant.config.data, listener.prepare) for variant in variants}
    configs = decide(folder, variants, datasets, listener, threads=threads)
    columns = []
    for name, config in configs.items():
        fingerprint = datasets[name].trained_on(config.data.labels).fingerprint
        images, speed = config.training.images or 0, config.training.images_per_second
        at = f" at {number(speed)} a second" if speed else ""
        listener.say(f"{name}: {images:,} images{at}")
        seeds = [config.asked({"seed": seed}) for seed in range(repeats)]
        keys = [identity(config, fingerprint) for config in seeds]
        trials = [Trial(name, key, config, folder.run(key)) for key, config in zip(keys, seeds, strict=True)]
        columns.append(Column(name, trials))
    return columns


def decide(
    folder: ComparisonFolder,
    variants: Sequence[Variant],
    datasets: Mapping[str, Dataset],
    listener: Listener,
    *,
    threads: int,
) -> dict[str, Config]:
    """The configs by name with all that is open decided: as it was the first time, else now, and kept.

    No run corrects its number of images: seeds of one variant see equally many, however busy the machine is.
    """
    settled = {"hardware.threads": threads, "training.replan": False}
    wanted = {variant.name: variant.config.asked(settled) for variant in variants}
    paths = {
        name: folder.plan(identity(config, datasets[name].fingerprint, before_planning=True))
        for name, config in wanted.items()
    }
    fresh = {path: (wanted[name], datasets[name]) for name, path in paths.items() if not path.exists()}
    for path, changes in decided_anew(folder, fresh, listener).items():
        write_atomically(path, (json.dumps(changes, indent=1) + "\n").encode())
    decided = {name: from_tables(json.loads(path.read_bytes())) for name, path in paths.items()}
    return {name: config.decided(decided[name]) for name, config in wanted.items()}


def decided_anew(
    folder: ComparisonFolder, requests: Mapping[Path, tuple[Config, Dataset]], listener: Listener
) -> dict[Path, dict[str, Any]]:
    """What the data and the machine decide of each; where the budget is a time, by the speeds that are kept."""
    images = {path: dataset.fingerprint for path, (_, dataset) in requests.items()}
    configs = {
        path: decide_one(config, dataset, listener.say, rate=partial(kept_speed, folder, dataset.fingerprint))
        for path, (config, dataset) in requests.items()
    }
    timed = {path: config.decided(UNPLANNED) for path, config in configs.items() if config.training.images_per_second}
    for path, speed in kept_speeds(folder, timed, images).items():
        planned = timed[path].decided({"training.images_per_second": speed})
        configs[path] = decide_one(planned, requests[path][1])
    asked = {path: dict(flatten(config)) for path, (config, _) in requests.items()}
    return {
        path: {key: value for key, value in flatten(config) if value != asked[path][key]}
        for path, config in configs.items()
    }


def kept_speeds(
    folder: ComparisonFolder, configs: Mapping[Path, Config], fingerprints: Mapping[Path, str]
) -> dict[Path, float]:
    """Images a second of each, measured once on this machine and kept by what was decided, not why.

    Rules that change where they do not touch a variant thus leave its number of images as it was. What is measured by
    the same call takes turns; what another machine measured is measured again.
    """
    machine = machine_name()
    places = {
        path: folder.speed(identity(config.decided({"reasons": ()}), fingerprints[path], before_planning=True))
        for path, config in configs.items()
    }
    known = {path: json.loads(place.read_bytes()) for path, place in places.items() if place.exists()}
    missing = {path: configs[path] for path in places if known.get(path, {}).get("machine") != machine}
    for path, speed in speeds_in_turns(missing).items():
        known[path] = {"images_per_second": speed, "machine": machine}
        write_atomically(places[path], (json.dumps(known[path]) + "\n").encode())
    return {path: float(speed["images_per_second"]) for path, speed in known.items()}


def kept_speed(folder: ComparisonFolder, fingerprint: str, config: Config) -> float:
    """The same of one: the rules of ``modern`` decide by the same number for all that is compared."""
    (speed,) = kept_speeds(folder, {folder.root: config}, {folder.root: fingerprint}).values()
    return speed


def speeds_in_turns(configs: Mapping[Path, Config]) -> dict[Path, float]:
    """Images a second of each: medians of rounds in which all take turns, so that none has the better minute."""
    rounds = [{path: speed_of(config) for path, config in configs.items()} for _ in range(ROUNDS)]
    return {path: statistics.median(done[path] for done in rounds) for path in configs}


def describe(outcome: Outcome) -> str:
    """One line on a run that has come to its end."""
    trial, result = outcome.trial, outcome.result
    who = f"{trial.name}, seed {trial.config.seed}" if not trial.trained else trial.name
    if result is None:
        return f"{plain(who)}: no result. {outcome.trouble}"
    if result.failure is not None:
        return f"{plain(who)}: failed after {result.images_seen:,} images. {result.failure}"
    first = {
        taken.name: taken.value for taken in reversed(result.measurements) if taken.name.startswith(("fd_", "fid_"))
    }
    numbers = ", ".join(f"{name} {number(value)}" for name, value in reversed(first.items()))
    known = "" if outcome.fresh else " (there already)"
    return (
        f"{plain(who)}: {result.images_seen:,} images in {duration(result.seconds)}{known}. {numbers}".rstrip(". ")
        + "."
    )
