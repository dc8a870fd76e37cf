"""One sitting of a run: train, and write down, draw and save whenever each is due.

What is due by images depends on the images alone, so that a run that was stopped leaves the same files as one that
was not; saving and reporting may also look at a clock that only goes forward.
"""

from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch

from dcgan.commands.live.clock import Timer
from dcgan.commands.live.contents import contents
from dcgan.commands.live.drawing import Drawing, Easel
from dcgan.commands.live.due import Cadence, Due
from dcgan.commands.live.epochs import facts_of, line_of, means_of
from dcgan.commands.live.guard import diverged, go_back, to_cure, went_back
from dcgan.commands.live.listener import Listener
from dcgan.commands.live.pace import told
from dcgan.commands.live.pictures import draw_both_ways, draw_fresh_preview, draw_preview, draw_reals
from dcgan.commands.live.records import Records
from dcgan.commands.live.watch import Look, Watch, new_alarms, vitals_of
from dcgan.data.prepare import Dataset
from dcgan.hardware import bit_borders
from dcgan.runs import journal, shelf
from dcgan.runs.config_file import as_toml
from dcgan.runs.folder import RunFolder
from dcgan.runs.shelf import Role
from dcgan.settings.config import Config
from dcgan.settings.knobs import TrainingConfig
from dcgan.training.health import Vitals, is_sound
from dcgan.training.loop import train_to_end
from dcgan.training.setup import advance_of, batches_of, feed_of, rules_of
from dcgan.training.speed import warm_up
from dcgan.training.state import TrainingState
from dcgan.training.step import StepReport
from dcgan.training.team import Team
from dcgan.training.waiting import Waiting


class Session:
    """A run folder, its data and its state, while they are being trained."""

    def __init__(
        self, run: RunFolder, config: Config, dataset: Dataset, *, state: TrainingState, listener: Listener, team: Team
    ) -> None:
        self.run, self.config, self.dataset, self.state, self.listener = run, config, dataset, state, listener
        self.team, self.batches = team, batches_of(config, dataset)
        seen = state.images_seen
        self._step, self._journaled = Timer(seen), Timer(seen)
        self._cadence = Cadence(config, epoch_size=self.batches.epoch_size, images_seen=seen)
        self._easel, self.watch = Easel(state.journal_sums.device), Watch(config, dataset)
        self.epoch_line, self._said_busy = "", False
        self._contents = partial(contents, state, dataset=dataset, borders=bit_borders())
        self.records = Records(run, config.runs, listener.say, saved_images=None if state.untouched else seen)

    @property
    def finished(self) -> bool:
        """Whether the budget is spent: a larger one would extend the run."""
        return self.state.images_seen >= (self.config.training.images or 0)

    def steps(self) -> Generator[StepReport]:
        """Train to the end of the budget; closing the iterator saves first."""
        config, device = self.config, self.state.journal_sums.device
        warm_up(config, device, self.batches.sizes)
        self._open()
        advance = advance_of(self.state, rules_of(config, device, self.team), config.hardware.step)
        feed = feed_of(config, self.batches, device, self.team)
        steps = train_to_end(self.state, feed, advance, training=lambda: self.config.training, team=self.team)
        try:
            with Waiting(config.hardware.threads or 1) as waiting:
                self._say_busy(waiting.is_patient)
                for report in steps:
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
        seen, untouched = self.state.images_seen, self.state.untouched
        self.records.rewind(-1 if untouched else seen, self.state.attempt)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.records.event("start", seen, time=now, images=self.config.training.images)
        if untouched:
            self.records.picture(0, draw_reals(self.config, self.dataset), self.run.reals)
            self._preview()
            self._write_report()  # later starts find one, and have a first step to take
        self._restart_timers()

    def _restart_timers(self) -> None:
        for timer in (self._step, self._cadence.saved, self._journaled):
            timer.restart(self.state.images_seen)

    def _after(self, report: StepReport) -> None:
        """All that is due after a step. The order matters: nothing is kept of weights that are no longer numbers."""
        before, seen = self._step.images, report.images_seen
        due = self._due(before, seen)

        # before anything is kept: go back if a weight is no longer a finite number
        if self._is_checked(due) and (broken := self.state.first_broken()) is not None:
            self._go_back_from(broken)
            return

        # once in a while: the means since the last line, a grid of the fixed latents, the end of an epoch
        if due.journal:
            self._write_journal()
        if due.preview:
            self._preview()
        if due.epoch:
            self._close_epoch()
        self._count_time(seen)

        # a few times in a run that was given a time: another end, by its speed so far
        if due.end is not None:
            self._correct(due.end, due.role)

        # some ten times in a run: measure the images; go back for an alarm, or keep what is the best so far
        if due.look:
            look = self._look()
            events = list(journal.read(self.run.journal))
            vitals = vitals_of(events)
            alarm = to_cure(vitals, self.config.training, self.state.attempt)
            if alarm is not None:
                self.roll_back(alarm.text, sound=True)
                return
            for alarm in new_alarms(events):
                self.warn(f"{alarm.text} {alarm.advice}", kind=alarm.kind)
            self._keep(look, is_best=self.watch.is_best(events), vitals=vitals, role=due.role)

        # once a minute: a checkpoint, unless this step has one already
        if due.save and self._cadence.saved.images != seen:
            self.save(due.role)

        # twice a minute: the report
        if due.report:
            self._write_report()

    def _due(self, before: int, seen: int) -> Due:
        """What this step makes due; the last one saves by itself, and a disk that refused is tried again later."""
        training, seconds = self.config.training, self.state.seconds + self._step.elapsed
        look, has_saved = self.watch.is_due(training, before, seen), self.records.saved_images is not None
        due = self._cadence.after(training, before, seen, look=look, has_saved=has_saved, seconds=seconds)
        save, end = self.records.save_is_due(due.save), due.end if self.records.save_is_due(True) else None
        return replace(due, end=end, save=save and not self.finished)

    def _correct(self, training: TrainingConfig, role: Role) -> None:
        """Go to another end from here on, once a checkpoint has it; if the disk refuses, to the former one."""
        former, self.config = self.config, replace(self.config, training=training)
        if self.save(role) is None:
            self.config = former
            return
        text, seen = told(former.training, training), self.state.images_seen
        self.records.correction(seen, as_toml(self.config), text, images=training.images)

    def _is_checked(self, due: Due) -> bool:
        """Whether every weight is looked at. A NaN of any step since the last line of the journal is in the sums."""
        if due.save or due.look or due.end or self.finished:
            return True
        return due.journal and not torch.isfinite(self.state.journal_sums).all()

    def _look(self) -> Look:
        """Measure the images, and bring the journal, by which they are judged, up to date."""
        look = self.watch.look(self.state)
        self.records.event("evaluation", self.state.images_seen, **look.facts())
        self.records.finish_pictures()
        return look

    def _keep(self, look: Look, *, is_best: bool, vitals: Vitals, role: Role) -> None:
        """Save what is the best so far, and what an alarm may send the run back to."""
        sound = self.config.training.guard and not self.finished and is_sound(vitals)
        path = self.save("sound" if sound else role) if is_best or sound else None
        if is_best and path is not None:
            self.records.mark_best(path, look.facts())

    def save(self, role: Role = "") -> Path | None:
        """Write a checkpoint: its path, or None when the disk refused it, which was then said.

        Raises:
            UserError: The disk has refused too often.
        """
        path = self.records.save(*self._contents(self.config), role)
        self._cadence.saved.restart(self.state.images_seen)
        return path

    def _go_back_from(self, broken: str) -> None:
        """Roll back from weights that are no longer numbers.

        Raises:
            UserError: The run has gone back often enough.
        """
        reason = f"{broken} is no longer a finite number after {self.state.images_seen:,} images"
        if self.state.attempt >= self.config.training.rollbacks:
            raise diverged(self.run, reason, self.state.attempt, self.records.saved_images)
        self.roll_back(f"{reason}.")

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
        text = f"{reason} {went_back(training, back, attempt)}"
        self.listener.say(text)
        shelf.forget_newer(self.run, back, attempt - 1)  # a run that is killed now would go on from them
        self.records.rewind(back, attempt - 1)
        self.records.event("rollback", back, attempt=attempt, came_from=seen, text=text, images=training.images)
        self._restart_timers()
        self.save("anchor")

    def _close(self) -> None:
        """Leave the run so that it can be looked at, sampled from and continued."""
        if (broken := self.state.first_broken()) is not None:
            self._go_back_from(broken)
        self._count_time(self.state.images_seen)
        if self.finished:
            self._preview()
            if self.config.runs.by_epochs and self.config.model.norm_statistics == "forward":
                self._show(draw_both_ways(self.config, self.state, self._easel), self.run.both_ways)
        self.records.save_last(*self._contents(self.config))
        self._end("budget" if self.finished else "interrupted")
        self.records.close()

    def _end(self, reason: str) -> None:
        self.records.event("end", self.state.images_seen, seconds=round(self.state.seconds, 3), reason=reason)
        self.records.finish_pictures()
        self._write_report()

    def _write_journal(self) -> None:
        """The means since the last line."""
        seen, seconds = self.state.images_seen, round(self.state.seconds + self._step.elapsed, 3)
        speed, means = round(self._journaled.speed(seen), 1), means_of(self.state.journal_sums)
        self.records.event("step", seen, seconds=seconds, images_per_second=speed, **means)
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
        seen, path = self.state.images_seen, self.run.preview(self.state.images_seen)
        self._show(draw_preview(self.config, self.state, self._easel), path, self.run.latest)
        self.records.event("preview", seen, file=path.name)

    def _show(self, drawing: Drawing, *paths: Path) -> None:
        self.records.picture(self.state.images_seen, drawing, *paths, shown=self.listener.picture)

    def _write_report(self) -> None:
        self._cadence.reported.restart(self.state.images_seen)
        self.records.report()
        self._cadence.report_seconds = self._cadence.reported.elapsed
