"""The loop: every task is trained by it, and it knows none of them.

Each step is `play_step`. Around it, at step numbers and never by the clock (so that a resumed run does what an
uninterrupted one does): statistics and health every tick, sample grids, scores, checkpoints, stages.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganvas.device import place
from ganvas.draw import Draw, seed_of
from ganvas.errors import Diverged
from ganvas.events import Notice, Progress, Report, Warned, Wrote
from ganvas.training.aim import Aim
from ganvas.training.check import check_rows, check_scores, check_task
from ganvas.training.checkpoint import (
    checkpoint_path,
    checkpoint_steps,
    forget_checkpoints_after,
    prune,
    read_checkpoint,
    write_checkpoint,
)
from ganvas.training.compiled import require_compiler
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.health import first_non_finite
from ganvas.training.journal import Journal, require_tensorboard
from ganvas.training.memory import explained_memory
from ganvas.training.play import Source, Table, play_step
from ganvas.training.policy import adapt_augmentation
from ganvas.training.run import RunFolder
from ganvas.training.sheet import write_sheet
from ganvas.training.sitting import note_options, take_up
from ganvas.training.stages import fill_buffers_, next_stage, note_score, stage_end
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Task
from ganvas.training.vitals import OWN_SCORE, FixedBatches, examine, first_rows, resting, scores, vitals_count

ROLLBACKS = 3
"""How often a run returns to a checkpoint before it has gone beyond where it broke."""

Export = Callable[[TrainingState, Path], None]
"""Writes the averaged generators (and kept snapshots) as one model file."""


@dataclass(frozen=True)
class Data:
    """What a run trains on and what it is checked on."""

    training: Source
    heldout: Source | None = None


@dataclass
class Loop:
    """A run in progress."""

    task: Task
    data: Data
    options: TrainingOptions
    run: RunFolder
    device: torch.device
    world: World
    report: Report
    export: Export
    interrupted: Callable[[], bool]
    state: TrainingState = field(init=False)
    journal: Journal = field(init=False)
    saved_step: int | None = field(init=False, default=None)
    """The step of the checkpoint and the model that this sitting wrote last."""
    clock_s: float = field(init=False, default=0.0)

    def play(self) -> TrainingState:
        """Train to the end of the budget, from the newest checkpoint if there is one.

        Raises:
            UsageError: The task or an option cannot be played; nothing was trained.
            OutOfMemory: Names the next smaller micro-batch.
            Diverged: Numbers were not finite again after the last permitted roll-back.
            KeyboardInterrupt: Someone asked to stop; the state is saved.
        """
        require_tensorboard(self.options)
        require_compiler(self.options, self.device)
        with explained_memory(self.options, self.device, self.world):
            self._begin()
            self.journal = Journal.open(self.run, self.options, self.state.counters, self.world)
            try:
                self._lap_s()
                while self._play_stage():
                    pass
                if self.saved_step != self.state.counters.step:
                    self._checkpoint()
            finally:
                self.journal.close()
        return self.state

    def _begin(self) -> None:
        """Build the networks, and become the newest checkpoint where there is one."""
        torch.manual_seed(self.options.seed)
        players = self.task.players()
        check_task(self.task, players, self.options)
        for network in players.networks().values():
            place(network, self.device)
        self.world.broadcast_(t for net in players.networks().values() for t in net.state_dict().values())
        self.state = TrainingState.begin(players, self.options)
        steps = checkpoint_steps(self.run.checkpoints)
        torch.manual_seed(seed_of(self.options.seed, self.world.rank))  # equal networks, but each its own dropout
        self.world.wait()
        if self.world.leads:
            self.run.sweep()
        if steps:
            self._return_to(steps[-1])
        else:
            self._start()

    def _start(self) -> None:
        """Step 0: what cannot be played is refused before anything is trained."""
        counters = self.state.counters
        counters.augment_p = self.options.augment_p if self.options.augment_policy == "fixed" else 0.0
        note_options(counters, self.options)
        check_rows(first_rows(self.task, self.state, self._vitals_batches), self.state.players)
        check_scores(self._scores(), self._aim, self.task.stages)
        if self._aim.score != OWN_SCORE:
            self.report(Notice(f"best.safetensors holds the state with the {self._aim.extreme} '{self._aim.score}'."))
        self._write_real_sheet()
        self._sample()
        self._checkpoint()

    def _return_to(self, step: int) -> None:
        """Become the checkpoint of an earlier sitting."""
        self.state.restore_(*read_checkpoint(checkpoint_path(self.run.checkpoints, step)), self.world)
        counters = self.state.counters
        sentences = take_up(counters, self.options, len(self.task.stages))
        if self.world.leads:
            self.run.forget_after(counters.step)
        self.report(Notice(f"Resumed '{self.run.path}' at {counters.seen_images / 1000:g} kimg."))
        for sentence in sentences:
            self.report(Notice(sentence))

    def _play_stage(self) -> bool:
        """Play the present stage to its end, or to a roll-back; whether there is more to play."""
        counters = self.state.counters
        stage = self.task.stages[counters.stage]
        end = stage_end(self.task.stages, counters, self.options.total_steps)
        table = Table(self.task, self.data.training, self.options, stage, self.device, self.world)
        for network in self.state.trained_networks().values():
            network.train()
        if counters.step == counters.stage_start_step:  # whoever resumes later in it has them in the checkpoint
            fill_buffers_([*self.state.trained_networks().values(), *self.state.averages.values()], stage)
        while counters.step < end and not counters.stage_stopped:
            if self.world.any(self.interrupted()):
                if self._culprit() is None:
                    counters.elapsed_s += self._lap_s()
                    self._checkpoint()
                raise KeyboardInterrupt
            log = play_step(table, self.state)
            adapt_augmentation(self.options, self.state, log, self.world)
            self.journal.add(log)
            if not self._keep_books(at_end=counters.step == end):
                return True  # rolled back: the stage may be another one now
        if stage.snapshot:
            for name, average in self.state.averages.items():
                kept = {f"{stage.snapshot}/{name}/{key}": t.clone() for key, t in average.state_dict().items()}
                self.state.snapshots |= kept
            self.saved_step = None
        if self._in_last_stage:
            return False  # it stays the present one: a resume may extend the budget
        next_stage(counters)
        return True

    def _keep_books(self, at_end: bool) -> bool:
        """What is due: scores, statistics, sample grids, checkpoints; False when a NaN made the run roll back.

        Only here is the device waited for, so only here time is read: a GPU works behind the steps' backs.
        """
        options, counters = self.options, self.state.counters
        paces = (options.tick_kimg, options.evaluate_every_kimg, options.sample_every_kimg)
        if not at_end and not any(self._due(pace) for pace in (*paces, options.checkpoint_every_kimg)):
            return True
        culprit = self._culprit()
        counters.elapsed_s += self._lap_s()
        if culprit is not None:
            self._roll_back(culprit)
            return False
        is_best = self._evaluate() if at_end or self._due(options.evaluate_every_kimg) else False
        at_end = at_end or counters.stage_stopped
        if at_end or self._due(options.tick_kimg):
            self._tick()
        if at_end or self._due(options.sample_every_kimg):
            self._sample()
        if at_end or is_best or self._due(options.checkpoint_every_kimg):
            self._checkpoint()
        counters.books_s += self._lap_s()
        return True

    def _due(self, every_kimg: float) -> bool:
        return self.state.counters.step % self.options.steps_every(every_kimg) == 0

    def _lap_s(self) -> float:
        """Seconds since the last call."""
        before, self.clock_s = self.clock_s, time.perf_counter()
        return self.clock_s - before

    def _culprit(self) -> str | None:
        """What is not finite in the networks, their optimizers' moments or the statistics, in any process."""
        found = first_non_finite({**self.journal.sums, **self.state.learned()})
        return (found or "another process") if self.world.any(found is not None) else None

    def _tick(self) -> None:
        """Statistics and health."""
        options, counters = self.options, self.state.counters
        stats = self.journal.means(self.world)
        if not self.world.leads:
            return
        counters.books_s += self._lap_s()
        vitals = examine(self.task, self.state, self._vitals_batches, options, stats)
        counters.elapsed_s += self._lap_s()
        alarms = self.journal.write(counters, stats, vitals)
        seen_kimg, total_kimg = counters.seen_images / 1000, options.kimg
        steps_left = options.total_steps - counters.step
        if counters.stage_stopped and self._in_last_stage:
            steps_left, total_kimg = 0, seen_kimg
        left_s = (counters.elapsed_s + counters.books_s) / counters.step * max(steps_left, 0)
        self.report(Progress(seen_kimg, total_kimg, left_s, stats))
        for sentence in alarms:
            self.report(Warned(sentence))

    def _scores(self) -> dict[str, float]:
        """Scores of the averaged generators, in every process those that the first one found.

        Each process has statistics of its own in its BatchNorm layers, so each would find others.
        """
        found = scores(self.task, self.state, self._vitals_batches) if self.world.leads else {}
        shared = self.world.share(json.dumps({name: float(value) for name, value in found.items()}))
        return dict(json.loads(shared))

    def _evaluate(self) -> bool:
        """Score the averaged generators and ask the stage's stop rule; whether they are the best so far."""
        counters, found = self.state.counters, self._scores()
        if self.world.leads:
            self.journal.write_scores(counters, found)
        check_scores(found, self._aim, self.task.stages)
        score = found[self._aim.score]
        is_best = self._aim.improves(score, counters.best_score)
        if is_best:
            counters.best_score, counters.best_step = score, counters.step
            if self.world.leads:
                self.export(self.state, self.run.best_model)  # the checkpoint follows: killed between, a resume repairs
        stage = self.task.stages[counters.stage]
        if stage.stop is not None:
            note_score(stage.stop, counters, found)
        return is_best

    def _checkpoint(self) -> None:
        """Save the restart set and the model, delete checkpoints that are not kept."""
        counters, options = self.state.counters, self.options
        if counters.step > counters.broken_from_step:
            counters.rollbacks = 0
        tensors, facts = self.state.tensors(self.world), self.state.facts()
        if self.world.leads:
            path = checkpoint_path(self.run.checkpoints, counters.step)
            write_checkpoint(path, tensors, facts)
            forget_checkpoints_after(self.run.checkpoints, counters.step)
            keep = set() if counters.best_step is None else {counters.best_step}
            if options.keep_every_kimg:
                every = options.steps_every(options.keep_every_kimg)
                keep |= {kept for kept in checkpoint_steps(self.run.checkpoints) if kept % every == 0}
            prune(self.run.checkpoints, options.keep_last, keep)
            self.export(self.state, self.run.model)
            self.report(Wrote("checkpoint", path))
        self.saved_step = counters.step
        self.world.wait()

    def _roll_back(self, culprit: str) -> None:
        """Return to the last checkpoint with half the learning rate; the second time from there to the one before.

        Raises:
            Diverged: After three roll-backs.
        """
        bad, steps = self.state.counters, checkpoint_steps(self.run.checkpoints)
        if bad.rollbacks >= ROLLBACKS:
            raise Diverged(
                f"'{culprit}' is not finite at {bad.seen_images / 1000:g} kimg, after {ROLLBACKS} rollbacks down to "
                f"{bad.lr_scale:g} of the learning rate; resume with an --lr below "
                f"{self.options.lr * bad.lr_scale:.2g}{' or a larger --gamma' if self.options.penalised else ''}."
            )
        again = len(steps) > 1 and steps[-1] <= bad.broken_from_step
        tensors, facts = read_checkpoint(checkpoint_path(self.run.checkpoints, steps[-2 if again else -1]))
        if facts["counters"]["best_step"] != bad.best_step:
            self._return_best(facts["counters"])
        self.state.restore_(tensors, facts, self.world)
        counters = self.state.counters
        take_up(counters, self.options, len(self.task.stages))
        counters.rollbacks, counters.lr_scale = bad.rollbacks + 1, bad.lr_scale / 2
        counters.broken_from_step = max(bad.broken_from_step, steps[-1])
        self._checkpoint()
        self.journal.close()
        if self.world.leads:
            self.run.forget_after(counters.step)
            sentence = (
                f"'{culprit}' is not finite at {bad.seen_images / 1000:g} kimg: back to "
                f"{counters.seen_images / 1000:g} kimg with {counters.lr_scale:g} of the learning rate "
                f"(rollback {counters.rollbacks} of {ROLLBACKS})."
            )
            self.report(Warned(sentence))
        self.journal = Journal.open(self.run, self.options, counters, self.world)
        self._lap_s()

    def _return_best(self, counters: dict[str, Any]) -> None:
        """Let best.safetensors hold the best of what a roll-back keeps; without its checkpoint there is none for now.

        Args:
            counters: Of the checkpoint that is returned to; changed where there is no best.
        """
        best_step = counters["best_step"]
        if best_step in checkpoint_steps(self.run.checkpoints):
            self.state.restore_(*read_checkpoint(checkpoint_path(self.run.checkpoints, best_step)), self.world)
            if self.world.leads:
                self.export(self.state, self.run.best_model)
            return
        counters["best_score"] = counters["best_step"] = None
        if self.world.leads:
            self.run.best_model.unlink(missing_ok=True)

    def _sample(self) -> None:
        """A grid of the same latents every time, painted by the averaged generators."""
        if self.world.leads:
            path = self.run.samples / f"{self.state.counters.seen_images:09d}.png"
            write_sheet(path, torch.cat(list(self._previews())))
            self.report(Wrote("sample", path))

    def _previews(self) -> Iterator[Tensor]:
        """The grid in parts no larger than what training works on at once."""
        count, part = self.options.preview_count, self.options.micro_batch
        batch, draw = self._preview_batch
        with resting(self.state) as networks, torch.no_grad():
            for start in range(0, count, part):
                rows = slice(start, min(start + part, count))
                some = {name: value[rows] for name, value in batch.items()}
                yield self.task.preview(networks, some, draw.rows(rows.start, rows.stop))

    def _write_real_sheet(self) -> None:
        if self.world.leads:
            batch, _ = self._preview_batch
            for name, pictures in batch.items():
                if pictures.ndim == 4 and pictures.shape[1] in (1, 3, 4):
                    suffix = "" if name == "image" else f"-{name}"
                    write_sheet(self.run.samples / f"real{suffix}.png", pictures, mark=False)

    @cached_property
    def _preview_batch(self) -> tuple[Batch, Draw]:
        """The pictures and the randomness of every sample grid."""
        draw = Draw(self.options.seed, self.options.preview_count, device=self.device).named("preview")
        return self.data.training.at(0, draw), draw

    @cached_property
    def _vitals_batches(self) -> FixedBatches:
        """The pictures of every score and tick: of training and, where some are held out, of those."""
        draw = Draw(self.options.seed, vitals_count(self.options), device=self.device).named("vitals")
        sources = {"training": self.data.training, "heldout": self.data.heldout}
        return {name: (source.at(0, draw), draw) for name, source in sources.items() if source is not None}

    @property
    def _aim(self) -> Aim:
        """What the best state is chosen by."""
        return Aim.parse(self.options.best_by)

    @property
    def _in_last_stage(self) -> bool:
        return self.state.counters.stage == len(self.task.stages) - 1
