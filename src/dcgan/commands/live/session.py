"""One sitting of a run: train, and write down, draw and save whenever each is due.

What is due by images depends on the images alone, so that a run that was stopped leaves the same files as one that
was not; saving and reporting may also look at a clock that only goes forward.
"""

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from dcgan.commands.live.clock import Timer, crossed, lines_every
from dcgan.commands.live.drawing import Drawing, Easel
from dcgan.commands.live.epochs import facts_of, line_of, means_of
from dcgan.commands.live.guard import diverged, go_back, to_cure
from dcgan.commands.live.listener import Listener
from dcgan.commands.live.pace import Pace
from dcgan.commands.live.pictures import (
    draw_both_ways,
    draw_fresh_preview,
    draw_preview,
    draw_reals,
    preview_is_due,
)
from dcgan.commands.live.records import Records
from dcgan.commands.live.watch import Watch, new_alarms, vitals_of
from dcgan.data.batches import Batches
from dcgan.data.prepare import Dataset
from dcgan.hardware import bit_borders
from dcgan.runs import journal, shelf
from dcgan.runs.folder import RunFolder
from dcgan.runs.shelf import Role
from dcgan.settings.config import Config, to_tables
from dcgan.training.health import is_sound
from dcgan.training.loop import train_steps
from dcgan.training.setup import advance_of, feed_of, rules_of
from dcgan.training.speed import warm_up
from dcgan.training.state import TrainingState
from dcgan.training.step import StepReport
from dcgan.training.waiting import Waiting

REPORT_SECONDS = 30.0  # at least so long between two refreshes of the report,
FIRST_SAVE_SECONDS = 5.0  # after which a run has its first checkpoint, so that stopping it soon loses little
REPORT_SHARE = 0.01  # which may take this share of the time


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
        self._reported, self._report_cost = Timer(seen), 0.0
        self._easel = Easel(state.journal_sums.device)
        self.epoch_line, self._said_busy = "", False
        self._borders = bit_borders()
        saved = None if state.untouched else seen
        self._pace = Pace(config.training, seen)
        self.watch = Watch(config, dataset)
        self.records = Records(run, config.runs, listener.say, saved_images=saved)

    @property
    def finished(self) -> bool:
        """Whether the budget is spent: a larger one would extend the run."""
        return self.state.images_seen >= (self.config.training.images or 0)

    def steps(self) -> Generator[StepReport]:
        """Train to the end of the budget; closing the iterator saves first."""
        config, device = self.config, self.state.journal_sums.device
        warm_up(config, device, self.batches.sizes)
        self._open()
        advance = advance_of(self.state, rules_of(config, device), config.hardware.step)
        feed = feed_of(config, self.batches, device)
        try:
            with Waiting(config.hardware.threads or 1) as waiting:
                self._say_busy(waiting.is_patient)
                for report in train_steps(self.state, feed, advance, training=config.training):
                    self._after(report)
                    self._say_busy(waiting.look())
                    yield report
        except GeneratorExit:
            self._close()
            raise
        except Exception:
            self._end("failed")
            raise
        finally:
            feed.close()
        self._close()

    def _say_busy(self, is_busy: bool) -> None:
        """Once in a sitting."""
        if is_busy and not self._said_busy:
            self.listener.say("Other programs use the processor too: training is slower while they do.")
            self._said_busy = True

    def conclude(self) -> None:
        """Write the end of a run that was killed between its last checkpoint and that line."""
        if not any(event["event"] == "end" for event in journal.read(self.run.journal)):
            self._end("budget")

    def warn(self, text: str, **facts: Any) -> None:
        """Say it, and keep it with the run."""
        self.listener.say(text)
        self.records.event("warning", self.state.images_seen, text=text, **facts)

    def _open(self) -> None:
        seen = self.state.images_seen
        untouched = self.state.untouched
        self.records.rewind(-1 if untouched else seen, self.state.attempt)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.records.event("start", seen, time=now, images=self.config.training.images)
        if untouched:
            self.records.picture(0, draw_reals(self.config, self.dataset), self.run.reals)
            self._preview()
            self._write_report()  # later starts find one, and have a first step to take
        self._restart_timers()

    def _restart_timers(self) -> None:
        for timer in (self._step, self._saved, self._journaled):
            timer.restart(self.state.images_seen)

    def _after(self, report: StepReport) -> None:
        """All that is due after a step."""
        before, seen, runs = self._step.images, report.images_seen, self.config.runs
        journal_is_due = crossed(before, seen, lines_every(runs.journal_every_images, self.config.training.images))
        by_images = runs.save_every_images is not None and crossed(before, seen, runs.save_every_images)
        anchor_is_due = crossed(before, seen, self.config.training.anchor_every_images or seen)
        patience = FIRST_SAVE_SECONDS if self.records.saved_images is None else runs.save_every_seconds
        by_clock = self._saved.elapsed >= min(patience, runs.save_every_seconds)
        save_is_due = self.records.save_is_due(by_images or anchor_is_due or by_clock)
        # A NaN in any step since the last line of the journal is in the sums: quicker to look at than every weight.
        doubtful = journal_is_due and not torch.isfinite(self.state.journal_sums).all()
        look_is_due = self.watch.is_due(before, seen)
        if (save_is_due or look_is_due or doubtful or self.finished) and self._roll_back_if_broken():
            return
        if journal_is_due:
            self._write_journal()
        if preview_is_due(before, seen):
            self._preview()
        if crossed(before, seen, self.batches.epoch_size):
            self._close_epoch()
        self._count_time(seen)
        if hint := self._pace.after(before, seen):
            self.warn(hint, kind="another pace")
        role: Role = "anchor" if anchor_is_due else ""
        if look_is_due and self._look(role):
            return
        if save_is_due and not self.finished and self._saved.images != seen:
            self.save(role)
        if self._reported.elapsed >= max(REPORT_SECONDS, self._report_cost / REPORT_SHARE):
            self._write_report()

    def _look(self, role: Role) -> bool:
        """Measure the images: go back, and return True; or say what looks wrong, and keep what looks well."""
        seen, look = self.state.images_seen, self.watch.look(self.state)
        self.records.event("evaluation", seen, **look.facts())
        self.records.finish_pictures()  # what is judged by is the whole journal
        events = list(journal.read(self.run.journal))
        vitals = vitals_of(events)
        if cured := to_cure(vitals, self.config.training, self.state.attempt):
            self.roll_back(cured.text, sound=True)
            return True
        for alarm in new_alarms(events):
            self.warn(f"{alarm.text} {alarm.advice}", kind=alarm.kind)
        best = self.watch.is_best(events)
        sound = self.config.training.guard and not self.finished and is_sound(vitals)
        if (best or sound) and (path := self.save("sound" if sound else role)) and best:
            self.records.mark_best(path, look.facts())
        return False

    def save(self, role: Role = "") -> Path | None:
        """Write a checkpoint: its path, or None when the disk refused it, which was then said.

        Raises:
            UserError: The disk has refused too often.
        """
        path = self.records.save(self.state.tensors(), self._facts(), role)
        self._saved.restart(self.state.images_seen)
        return path

    def _facts(self) -> dict[str, Any]:
        return {
            **self.state.facts(),
            "config": to_tables(self.config),
            "class_names": self.dataset.class_names if self.config.data.labels else (),
            "bits": 8 * self.dataset.pixels.dtype.itemsize,
            "fingerprint": self.dataset.fingerprint,
            "borders": self._borders,
        }

    def _roll_back_if_broken(self) -> bool:
        broken = self.state.first_broken()
        if broken is not None:
            reason = f"{broken} is no longer a finite number after {self.state.images_seen:,} images"
            if self.state.attempt >= self.config.training.rollbacks:
                raise diverged(self.run, reason, self.state.attempt, self.records.saved_images)
            self.roll_back(f"{reason}.")
        return broken is not None

    def roll_back(self, reason: str, *, sound: bool = False) -> None:
        """Become the last anchor again, or the last ``sound`` one, and go on from there with other latents.

        It is saved at once: a run that is stopped before or afterwards goes the same way.

        Raises:
            UserError: The disk refuses.
        """
        self.records.finish_pictures()
        seen, training = self.state.images_seen, self.config.training
        go_back(self.state, self.run, self.config, sound=sound)
        back, attempt = self.state.images_seen, self.state.attempt
        otherwise = "other latents and half the learning rates" if training.guard else "other latents"
        text = f"{reason} Rolled back to image {back:,} ({attempt} of {training.rollbacks} times), "
        text += f"{otherwise} from there on."
        self.listener.say(text)
        shelf.forget_newer(self.run, back, attempt - 1)  # a run that is killed now would go on from them
        self.records.rewind(back, attempt - 1)
        self.records.event("rollback", back, attempt=attempt, came_from=seen, text=text)
        self._restart_timers()
        self.save("anchor")

    def _close(self) -> None:
        """Leave the run so that it can be looked at, sampled from and continued."""
        self._roll_back_if_broken()
        self._count_time(self.state.images_seen)
        if self.finished:
            self._preview()
            if self.config.runs.by_epochs and self.config.model.norm_statistics == "forward":
                self._show(draw_both_ways(self.config, self.state, self._easel), self.run.both_ways)
        self.records.save_last(self.state.tensors(), self._facts())
        self._end("budget" if self.finished else "interrupted")
        self.records.close()

    def _end(self, reason: str) -> None:
        seconds = round(self.state.seconds, 3)
        self.records.event("end", self.state.images_seen, seconds=seconds, reason=reason)
        self.records.finish_pictures()
        self._write_report()

    def _write_journal(self) -> None:
        """The means since the last line."""
        means = means_of(self.state.journal_sums)
        seen = self.state.images_seen
        facts = {
            "seconds": round(self.state.seconds + self._step.elapsed, 3),
            "images_per_second": round(self._journaled.speed(seen), 1),
            **means,
        }
        self.records.event("step", seen, **facts)
        self.state.journal_sums.zero_()
        self._journaled.restart(seen)

    def _close_epoch(self) -> None:
        """The chapter's line on the epoch, its preview included in the time."""
        seen = self.state.images_seen
        if self.config.runs.by_epochs:
            self._show(draw_fresh_preview(self.config, self.state, self._easel), self.run.fresh_preview(seen))
        facts = facts_of(self.state.epoch_sums, self.state.epoch_seconds + self._step.elapsed)
        self.epoch_line = line_of(facts, self.config.hardware.device)
        if self.config.runs.by_epochs:
            self.records.event("epoch", seen, epoch=seen // self.batches.epoch_size, **facts)
        self._count_time(seen)
        self.state.epoch_sums.zero_()
        self.state.epoch_seconds = 0.0

    def _count_time(self, seen: int) -> None:
        elapsed = self._step.elapsed
        self.state.seconds += elapsed
        self.state.epoch_seconds += elapsed
        self._step.restart(seen)

    def _preview(self) -> None:
        seen = self.state.images_seen
        path = self.run.preview(seen)
        self._show(draw_preview(self.config, self.state, self._easel), path, self.run.latest)
        self.records.event("preview", seen, file=path.name)

    def _show(self, drawing: Drawing, *paths: Path) -> None:
        self.records.picture(self.state.images_seen, drawing, *paths, shown=self.listener.picture)

    def _write_report(self) -> None:
        self._reported.restart(self.state.images_seen)
        self.records.report()
        self._report_cost = self._reported.elapsed
