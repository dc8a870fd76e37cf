"""One sitting of a run: train, and write down, draw and save whenever each is due.

What is due by images depends on the images alone, so that a run that was stopped leaves the same files as one that
was not; saving and reporting may also look at a clock that only goes forward.
"""

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from torch import Tensor

from dcgan.commands.pictures import preview_is_due, write_fresh_preview, write_preview, write_reals
from dcgan.config import Config, to_tables
from dcgan.data.batches import Batches
from dcgan.data.prepare import Dataset
from dcgan.errors import ExitCode, UserError
from dcgan.reporting.report import write_report
from dcgan.runs import checkpoint, journal
from dcgan.runs.folder import RunFolder
from dcgan.training.accelerate import fastest_advance, rules_of
from dcgan.training.feed import Feed
from dcgan.training.loop import train_steps
from dcgan.training.state import TrainingState
from dcgan.training.step import StepReport

REPORT_SECONDS = 30.0  # at least so long between two refreshes of the report,
REPORT_SHARE = 0.01  # which may take this share of the time
DISPLAY_SECONDS = 0.5  # between two looks at the losses for the progress display


class Listener(Protocol):
    """Whoever started the run, and wants to hear how it goes."""

    def say(self, text: str) -> None:
        """Something to know."""

    def prepare(self, done: int, total: int) -> None:
        """So many images are decoded."""

    def step(
        self,
        images_seen: int,
        images_total: int,
        images_per_second: float,
        discriminator_loss: float,
        generator_loss: float,
    ) -> None:
        """Training goes on."""

    def picture(self, path: Path) -> None:
        """A new grid is on disk."""


@dataclass
class Timer:
    """What happened when, in images and on a clock that only goes forward."""

    images: int
    seconds: float = field(default_factory=time.monotonic)

    def restart(self, images: int) -> None:
        """From now on."""
        self.images, self.seconds = images, time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self.seconds

    def speed(self, images: int) -> float:
        """Images a second since then."""
        return (images - self.images) / max(self.elapsed, 1e-9)


class Session:
    """A run folder, its data and its state, while they are being trained."""

    def __init__(
        self, run: RunFolder, config: Config, dataset: Dataset, *, state: TrainingState, listener: Listener
    ) -> None:
        self.run, self.config, self.dataset, self.state, self.listener = run, config, dataset, state, listener
        self.batches = Batches(
            dataset.pixels,
            dataset.train,
            batch_size=config.training.batch_size,
            seed=config.seed,
            labels=dataset.labels if config.data.labels else None,
            short_last_batch=config.training.short_last_batch,
        )
        seen = state.images_seen
        self._step, self._saved, self._journaled = Timer(seen), Timer(seen), Timer(seen)
        self._displayed, self._reported = Timer(seen), Timer(seen)
        self._report_cost = 0.0
        self.epoch_line = ""

    def steps(self) -> Generator[StepReport]:
        """Train to the end of the budget; closing the iterator saves first."""
        self._open()
        advance = fastest_advance(self.state, rules_of(self.config, self.state.journal_sums.device))
        feed = self._feed()
        try:
            for report in train_steps(self.state, feed, advance, training=self.config.training):
                self._after(report)
                yield report
        except GeneratorExit:
            self._close("interrupted")
            raise
        except UserError:
            self._end("failed")
            raise
        finally:
            feed.close()
        self._close("budget")

    def _feed(self) -> Feed:
        model, device = self.config.model, self.state.journal_sums.device
        return Feed(
            self.batches,
            device,
            seed=self.config.seed,
            latent_size=model.latent_size,
            prior=model.prior,
            augmented=self.config.training.uses_draws,
        )

    def _open(self) -> None:
        seen = self.state.images_seen
        now = datetime.now(UTC).isoformat(timespec="seconds")
        journal.record(self.run.journal, "start", seen, time=now, images=self.config.training.images)
        if seen == 0:
            write_reals(self.run, self.config, self.dataset)
            self._preview()
        self._write_report()
        for timer in (self._step, self._saved, self._journaled, self._displayed):
            timer.restart(seen)

    def _after(self, report: StepReport) -> None:
        """All that is due after a step."""
        before, seen, runs = self._step.images, report.images_seen, self.config.runs
        if _crossed(before, seen, runs.journal_every_images):
            self._write_journal()
        if preview_is_due(before, seen):
            self._preview()
        if _crossed(before, seen, self.batches.epoch_size):
            self._close_epoch()
        self._count_time(seen)
        by_images = runs.save_every_images is not None and _crossed(before, seen, runs.save_every_images)
        if by_images or self._saved.elapsed >= runs.save_every_seconds:
            self.save()
        if self._displayed.elapsed >= DISPLAY_SECONDS or seen >= (self.config.training.images or 0):
            self._display(report)
        if self._reported.elapsed >= max(REPORT_SECONDS, self._report_cost / REPORT_SHARE):
            self._write_report()

    def save(self) -> None:
        """Write a checkpoint.

        Raises:
            UserError: The state holds a NaN or an infinity; it is not saved.
        """
        if broken := self.state.first_broken():
            raise self._diverged(broken)
        facts = {
            **self.state.facts(),
            "config": to_tables(self.config),
            "class_names": self.dataset.class_names if self.config.data.labels else (),
            "bits": 8 * self.dataset.pixels.dtype.itemsize,
            "fingerprint": self.dataset.fingerprint,
        }
        checkpoint.save(self.run, self.state.tensors(), facts, keep=self.config.runs.keep)
        self._saved.restart(self.state.images_seen)

    def _close(self, reason: str) -> None:
        """Leave the run so that it can be looked at, sampled from and continued."""
        seen = self.state.images_seen
        self._count_time(seen)
        self.save()
        if reason == "budget":
            self._preview()
        self._end(reason)

    def _end(self, reason: str) -> None:
        seconds = round(self.state.seconds, 3)
        journal.record(self.run.journal, "end", self.state.images_seen, seconds=seconds, reason=reason)
        self._write_report()

    def _write_journal(self) -> None:
        """The means since the last line, which a NaN in any step of them makes a NaN."""
        means = _means(self.state.journal_sums)
        if broken := [name for name, value in means.items() if not math.isfinite(value)]:
            raise self._diverged(broken[0])
        seen = self.state.images_seen
        facts = {
            "seconds": round(self.state.seconds + self._step.elapsed, 3),
            "images_per_second": round(self._journaled.speed(seen), 1),
            **means,
        }
        journal.record(self.run.journal, "step", seen, **facts)
        self.state.journal_sums.zero_()
        self._journaled.restart(seen)

    def _close_epoch(self) -> None:
        """The chapter's line on the epoch, its preview included in the time."""
        seen = self.state.images_seen
        if self.config.runs.by_epochs:
            write_fresh_preview(self.run, self.config, self.state)
            self.listener.picture(self.run.fresh_preview(seen))
        means, images = _means(self.state.epoch_sums), float(self.state.epoch_sums[0])
        seconds = self.state.epoch_seconds + self._step.elapsed
        self.epoch_line = (
            f"loss_D {means['discriminator_loss']:.3f}, loss_G {means['generator_loss']:.3f}, "
            f"{images / seconds:.1f} examples/sec on {self.config.hardware.device}"
        )
        self._count_time(seen)
        self.state.epoch_sums.zero_()
        self.state.epoch_seconds = 0.0

    def _count_time(self, seen: int) -> None:
        elapsed = self._step.elapsed
        self.state.seconds += elapsed
        self.state.epoch_seconds += elapsed
        self._step.restart(seen)

    def _preview(self) -> None:
        write_preview(self.run, self.config, self.state)
        path = self.run.preview(self.state.images_seen)
        journal.record(self.run.journal, "preview", self.state.images_seen, file=path.name)
        self.listener.picture(path)

    def _display(self, report: StepReport) -> None:
        assert self.config.training.images is not None
        speed = self._displayed.speed(report.images_seen)
        losses = float(report.discriminator_loss), float(report.generator_loss)
        self.listener.step(report.images_seen, self.config.training.images, speed, *losses)
        self._displayed.restart(report.images_seen)

    def _write_report(self) -> None:
        self._reported.restart(self.state.images_seen)
        write_report(self.run)
        self._report_cost = self._reported.elapsed

    def _diverged(self, name: str) -> UserError:
        return UserError(
            f"{name} is no longer a finite number after {self.state.images_seen:,} images; this is not saved. The last "
            f"checkpoint in {self.run.checkpoints} is good. Try lower learning rates "
            "(--set training.generator_learning_rate=1e-4 and the discriminator's) in another folder.",
            ExitCode.DIVERGED,
        )


def _crossed(before: int, after: int, every: int) -> bool:
    """Whether a multiple of ``every`` lies in (before, after]."""
    return after // every > before // every


def _means(sums: Tensor) -> dict[str, float]:
    images, *totals = sums.tolist()
    return dict(zip(StepReport._fields[1:], (total / images for total in totals), strict=True))
