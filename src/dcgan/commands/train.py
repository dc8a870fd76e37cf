"""Train: the data, the networks and the disk brought together. The caller owns the loop."""

import json
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from dcgan.commands.cost import expected_cost, space_of
from dcgan.commands.fitness import divided, fit_for
from dcgan.commands.live.listener import Listener
from dcgan.commands.live.session import Session
from dcgan.commands.options import TrainOptions
from dcgan.commands.plan import decide, gone_on, request, settle
from dcgan.data.prepare import Dataset, prepare
from dcgan.data.sources.hub_sets import is_on_hub, short_name
from dcgan.errors import ExitCode, UserError
from dcgan.files import DiskError, clear_temporaries, require_space, user_path, write_atomically
from dcgan.foreign import is_regular
from dcgan.hardware import bit_borders, choose_device, describe
from dcgan.reporting.judgement import judgement
from dcgan.reporting.story import read_story
from dcgan.runs import checkpoint, lock, shelf
from dcgan.runs.checkpoint import Checkpoint
from dcgan.runs.config_file import as_toml, saved_config
from dcgan.runs.folder import RunFolder
from dcgan.settings.config import Config, flatten, to_tables
from dcgan.settings.rules import explain
from dcgan.training.profiling import profiled
from dcgan.training.schedules import follows_end
from dcgan.training.setup import new_state
from dcgan.training.step import StepReport
from dcgan.training.team import ALONE, Team


class Training:
    """A run, opened and locked: what it will do is decided, and nothing is trained yet. A context manager."""

    def __init__(self, options: TrainOptions, listener: Listener, team: Team = ALONE) -> None:
        """Prepare the data, decide what is open, and go back to where the run stopped, if it ever began.

        ``team``: the processes that train it together, of which this is the first.

        Raises:
            UserError: Bad options, unusable data, a run with other settings, or one in use.
        """
        self.listener, self._profile, self.team = listener, options.profile, team
        run, config = locate(options)
        config = divided(run, config, team, listener.say, asked="training.shards" in options.changes())
        self.run, self.config = run, fit_for(run, config, listener.say)
        with ExitStack() as stack:
            is_there = is_regular(self.run.lock)  # else nothing is made before the source is known to be good
            if is_there:
                stack.enter_context(lock.held(self.run.lock))
            self.dataset = prepare(self.config.data, listener.prepare)
            for line in beginning(self.config, self.dataset):
                listener.say(line)  # before anything is measured, which may take a while
            if not is_there:
                stack.enter_context(lock.held(self.run.lock))
            computing = team.computing(self.config.training.shards)
            self.config = decide(self.config, self.dataset, listener.say, processes=computing)
            self.dataset = self.dataset.trained_on(self.config.data.labels)
            self._tidy()
            self._restore(checkpoint.newest(self.run))
            team.begin(to_tables(self.config), self.dataset.fingerprint)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def finished(self) -> bool:
        """Whether the budget is spent: a larger one would extend the run."""
        return self.session.finished

    @property
    def images_seen(self) -> int:
        """Images seen so far, over all starts of the run."""
        return self.session.state.images_seen

    @property
    def images_total(self) -> int:
        """Images that the budget amounts to."""
        return self.session.config.training.images or 0

    def steps(self) -> Generator[StepReport]:
        """Train: one report a step. Closing the iterator saves; the same command goes on from there."""
        if self.finished:
            self.session.conclude()
            return
        write_atomically(self.run.config, as_toml(self.config).encode(), durable=True)
        write_atomically(self.run.dataset, _json(self.dataset.report.to_json()))
        write_atomically(self.run.about, _json(self._about()))
        if self._crossed:
            seen = f"{self.session.state.images_seen:,}"
            self.session.warn(f"No longer bit-exact from image {seen} on: {'; '.join(self._crossed)}.")
        if self._replanned:
            self.session.warn(self._replanned)
        yield from profiled(self.session.steps(), self.run) if self._profile else self.session.steps()

    def _restore(self, found: Checkpoint | None) -> None:
        state = new_state(self.config, choose_device(self.config.hardware.device), blank=found is not None)
        if found:
            if found.facts["fingerprint"] != self.dataset.fingerprint:
                raise UserError(
                    f"{self.config.data.source}: these are not the images that {self.run.root} was trained on. "
                    "Restore them, or start a new run with --out.",
                    ExitCode.DATA,
                )
            state.restore(found.tensors, found.facts)
            before = checkpoint.config_of(found)
            self.config = gone_on(self.config, before, state.images_seen, state.seconds)
            self._set_aside(found)
        else:
            size = sum(tensor.nbytes for tensor in state.tensors().values())
            require_space(self.run.root, space_of(self.config, size), "this run")
        self.session = Session(self.run, self.config, self.dataset, state=state, listener=self.listener, team=self.team)
        before = checkpoint.config_of(found) if found else self.config
        self._crossed = crossed_borders(found, before, self.config) if found else []
        self._replanned = replanned(found, before, self.config) if found else None

    def _tidy(self) -> None:
        """Remove what a start that died left half-written: nobody else writes here while the lock is held."""
        folders = (self.run.root, self.run.checkpoints, self.run.samples)
        if count := clear_temporaries(*folders):
            self.listener.say(f"{self.run.root}: {count} half-written files of a start that died removed.")

    def _set_aside(self, found: Checkpoint) -> None:
        """Say which newer checkpoints are damaged, and keep them as .bad if the disk lets us."""
        for path in found.damaged:
            self.listener.say(
                f"{path.name} is damaged (its content does not match the sha256 in its name); using the one at image "
                f"{found.facts['images_seen']:,}. The damaged one is kept as {path.with_suffix('.bad').name}."
            )
        with suppress(OSError):
            shelf.set_aside(found.damaged)

    def _about(self) -> dict[str, object]:
        """What a result depends on besides the config."""
        state = self.session.state
        return {
            "dcgan": version("dcgan"),
            **describe(),
            "command": sys.argv,
            "folder": str(Path.cwd()),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "fingerprint": self.dataset.fingerprint,
            "train_images": len(self.dataset.train),
            "held_out_images": len(self.dataset.held_out),
            "generator_parameters": sum(weight.numel() for weight in state.generator.parameters()),
            "discriminator_parameters": sum(weight.numel() for weight in state.discriminator.parameters()),
        }


def locate(options: TrainOptions) -> tuple[RunFolder, Config]:
    """The run's folder, and its config as far as it is known: what was asked for, settled with what is there.

    Raises:
        UserError: The folder holds something else, or a run with other settings.
    """
    options.check()
    if options.starts_anew():
        requested = request(options)
        run = RunFolder(user_path(options.out) if options.out else default_folder(requested))
        return run, settle(requested, saved_config(run)) if is_regular(run.config) else requested
    assert options.out is not None, options
    run = RunFolder(user_path(options.out))
    if not is_regular(run.config):
        return run, request(options)
    saved = saved_config(run)
    return run, settle(saved.asked(options.changes()), saved)


def default_folder(config: Config) -> Path:
    """runs/SOURCE-SIZE-RECIPE-SEED."""
    data = config.data
    name = (short_name(data.source) if is_on_hub(data.source) else Path(data.source).name).split(".")[0] or "images"
    size = f"{data.height}" if data.height == data.width else f"{data.height}x{data.width}"
    return Path("runs") / f"{name}-{size}-{config.recipe}-{config.seed}"


def crossed_borders(found: Checkpoint, then: Config, config: Config) -> list[str]:
    """What differs from where the checkpoint was trained, and keeps the rest from being what it would have been.

    ``then``: the checkpoint's own config. What is undecided in it was no choice yet in the version that wrote it.
    """
    told = found.facts.get("borders")
    before = asdict(then.hardware) | (told if isinstance(told, dict) else {})
    now = asdict(config.hardware) | bit_borders()
    return [
        f"{name} was {value}, is {now.get(name)}"
        for name, value in before.items()
        if value not in ("auto", now.get(name))
    ]


def replanned(found: Checkpoint, then: Config, config: Config) -> str | None:
    """What another budget changes of a run that has come so far, in words. None: nothing."""
    before, now, seen = then.training, config.training, found.facts["images_seen"]
    if before.images == now.images or not (follows_end(before, seen) or follows_end(now, seen)):
        return None
    return (
        f"What falls or rises towards the end of a run (learning rates, penalties, augmentation) does so towards image "
        f"{now.images:,} now, not {before.images:,}: from image {seen:,} on, this is not the run that had this budget "
        "from the start."
    )


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def beginning(config: Config, dataset: Dataset) -> Iterator[str]:
    """What was found, in a few lines, and a batch that is larger than all of it."""
    yield from dataset.report.brief()
    if (batch := config.training.batch_size) > len(dataset.train):
        yield (
            f"A batch of {batch:,} is larger than the {len(dataset.train):,} images to train on: each step shows every "
            "one of them several times. 32 or 64 is usual: --set training.batch_size=32."
        )


def introduce(training: Training, *, verbose: bool = False) -> Iterator[str]:
    """What is about to happen, in words; ``verbose``: why each setting is as it is, too."""
    config, dataset = training.config, training.dataset
    reasons = explain(dict(flatten(config)))
    if verbose:
        yield from reasons
    elif reasons and not training.session.state.images_seen:
        yield f"{len(reasons)} choices of settings have their reasons in the report; --verbose prints them."
    if dataset.class_names and not config.data.labels:
        yield f"{len(dataset.class_names)} classes found; add --labels to learn them."
    images, speed = config.training.images or 0, config.training.images_per_second
    minutes = f", about {images / speed / 60:.0f} min at {speed:.0f} images/s" if speed else ""
    way = "" if config.hardware.step == "eager" else f" ({config.hardware.step})"
    yield (
        f"Recipe {config.recipe}, batch {config.training.batch_size}, {config.hardware.precision} on "
        f"{config.hardware.device}{way}, threads: {config.hardware.threads}. Budget {config.training.budget}: "
        f"{images:,} images, {images / len(dataset.train):.1f} epochs{minutes}."
    )
    if training.finished:
        yield f"{training.run.root} is finished: its {images:,} images are seen. A larger --budget extends it."
    elif training.session.state.images_seen:
        yield f"{training.run.root} goes on at image {training.session.state.images_seen:,}."


def left_of(options: TrainOptions) -> str:
    """What is on disk of a run that ended without a word, in a sentence."""
    run, _ = locate(options)
    found = shelf.paths(run)
    if not found:
        return f"Nothing of {run.root} was saved yet; the same command begins anew."
    seen = f"{shelf.images_seen(found[0]):,}"
    return f"The checkpoint of {run.root} at image {seen} is safe; the same command goes on from there."


def conclude(training: Training) -> Iterator[str]:
    """What is there now, in words; makes the film and the curves of a run that has come to its end."""
    run = training.run
    if not training.finished:
        yield f"Stopped and saved at image {training.session.state.images_seen:,}. The same command goes on from there."
    else:
        from dcgan.reporting.film import write_film
        from dcgan.reporting.plots import write_curves

        for write in (write_curves, write_film):
            try:
                write(run)
            except DiskError as error:  # what matters is saved
                yield str(error)
        if training.config.runs.by_epochs and training.session.epoch_line:
            yield training.session.epoch_line
    yield f"Pictures: {run.samples}. Report: {run.report}. New images: dcgan sample {run.root}"
    if training.finished and (judged := judgement(read_story(run))):
        longer = f" dcgan train --out {run.root} --budget {judged.budget}" if judged.budget else ""
        yield judged.reason + longer


def rehearse(options: TrainOptions, listener: Listener) -> tuple[str, list[str]]:
    """The config that a run would have, as TOML, and what it would cost, in words. Leaves no run behind."""
    run, config = locate(options)
    config = fit_for(run, config, listener.say)
    dataset = prepare(config.data, listener.prepare)
    config = decide(config, dataset, listener.say, measure=True)
    return as_toml(config), [*dataset.report.lines(), *explain(dict(flatten(config))), *expected_cost(config, dataset)]
