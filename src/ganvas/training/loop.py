"""The loop: every task is trained by it, and it knows none of them.

Each step is `play_step`. Around it, at step numbers and never by the clock (so that a resumed run does what an
uninterrupted one does): statistics and health every tick, sample grids, scores, checkpoints, stages.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganvas.device import place
from ganvas.draw import Draw, seed_of
from ganvas.errors import Diverged, UnknownName
from ganvas.events import Notice, Progress, Report, Warned, Wrote
from ganvas.training.checkpoint import (
    checkpoint_path,
    checkpoint_steps,
    prune,
    read_checkpoint,
    write_checkpoint,
)
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.health import first_non_finite
from ganvas.training.journal import Journal
from ganvas.training.memory import explained_memory
from ganvas.training.play import Source, Table, play_step
from ganvas.training.policy import adapt_augmentation
from ganvas.training.run import RunFolder
from ganvas.training.sheet import write_sheet
from ganvas.training.stages import check_stages, improved, next_stage, stage_end
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Task
from ganvas.training.vitals import FixedBatches, examine, resting, scores, vitals_count

ROLLBACKS = 3
"""How often one sitting returns to its last checkpoint."""

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

    def play(self) -> TrainingState:
        """Train to the end of the budget, from the newest checkpoint if there is one.

        Raises:
            OutOfMemory: Names the next smaller micro-batch.
            Diverged: NaN came back after the last permitted rollback.
            KeyboardInterrupt: Someone asked to stop; the state is saved.
        """
        self.state = self._begin()
        self.journal = Journal.open(self.run, self.options, self.state.counters, self.world)
        with explained_memory(self.options, self.device, self.world):
            while self._play_stage():
                pass
        self._checkpoint()
        return self.state

    def _begin(self) -> TrainingState:
        """Build the networks, and become the newest checkpoint where there is one."""
        torch.manual_seed(self.options.seed)
        players = self.task.players()
        check_stages(self.task.stages, bool(self.task.terms), bool(players.critics))
        for network in players.networks().values():
            place(network, self.device)
        self.world.broadcast_(t for net in players.networks().values() for t in net.state_dict().values())
        state = TrainingState.begin(players, self.options)
        state.counters.augment_p = self.options.augment_p if self.options.augment_policy == "fixed" else 0.0
        steps = checkpoint_steps(self.run.checkpoints)
        torch.manual_seed(seed_of(self.options.seed, self.world.rank))  # equal networks, but each its own dropout
        self.world.wait()
        if self.world.leads:
            self.run.sweep()
        if steps:
            state.restore_(*read_checkpoint(checkpoint_path(self.run.checkpoints, steps[-1])), self.world)
            state.counters.rollbacks = 0
            if self.world.leads:
                self.run.forget_after(state.counters.step)
            self.report(Notice(f"Resumed '{self.run.path}' at {state.counters.seen_images / 1000:g} kimg."))
        else:
            self.state = state
            self._write_real_sheet()
            self._sample()
            self._checkpoint()
        return state

    def _play_stage(self) -> bool:
        """Play the present stage to its end, or to a roll-back; whether there is more to play."""
        counters = self.state.counters
        stage = self.task.stages[counters.stage]
        end = stage_end(self.task.stages, counters, self.options.total_steps)
        table = Table(self.task, self.data.training, self.options, stage, self.device, self.world)
        for network in self.state.trained_networks().values():
            network.train()
        while counters.step < end and not counters.stage_stopped:
            if self.world.any(self.interrupted(), self.device):
                if self._culprit({}) is None:
                    self._checkpoint()
                raise KeyboardInterrupt
            started = time.perf_counter()
            log = play_step(table, self.state)
            adapt_augmentation(self.options, counters, log, self.world)
            self.journal.add(log)
            counters.elapsed_s += time.perf_counter() - started
            if not self._keep_books(at_end=counters.step == end):
                return True  # rolled back: the stage may be another one now
        if stage.snapshot:
            for name, average in self.state.averages.items():
                kept = {f"{stage.snapshot}/{name}/{key}": t.clone() for key, t in average.state_dict().items()}
                self.state.snapshots |= kept
        if counters.stage == len(self.task.stages) - 1:
            return False  # it stays the present one: a resume may extend the budget
        next_stage(counters)
        return True

    def _keep_books(self, at_end: bool) -> bool:
        """What is due: statistics, sample grids, scores, checkpoints; False when a NaN made the run roll back."""
        options = self.options
        tick = at_end or self._due(options.tick_kimg)
        score = at_end or self._due(options.evaluate_every_kimg)
        keep = at_end or self._due(options.checkpoint_every_kimg)
        if tick or score or keep:
            stats = self.journal.means(self.world) if tick else {}
            culprit = self._culprit(stats)
            if culprit is not None:
                self._roll_back(culprit)
                return False
            if tick:
                self._tick(stats)
        if at_end or self._due(options.sample_every_kimg):
            self._sample()
        if score:
            self._evaluate()
        if keep:
            self._checkpoint()
        return True

    def _due(self, every_kimg: float) -> bool:
        return self.state.counters.step % self.options.steps_every(every_kimg) == 0

    def _culprit(self, stats: Mapping[str, float]) -> str | None:
        """What is not a number, in any process."""
        found = next((name for name, value in stats.items() if not math.isfinite(value)), None)
        found = found or first_non_finite(self._weights())
        return (found or "another process") if self.world.any(found is not None, self.device) else None

    def _tick(self, stats: Mapping[str, float]) -> None:
        """Statistics and health."""
        options, counters = self.options, self.state.counters
        vitals = examine(self.task, self.state, self._fixed_batches(), options, stats)
        if not self.world.leads:
            return
        alarms = self.journal.write(counters, stats, vitals)
        steps_left = max(options.total_steps - counters.step, 0)
        left_s = counters.elapsed_s / counters.step * steps_left
        self.report(Progress(counters.seen_images / 1000, options.kimg, left_s, stats))
        for sentence in alarms:
            self.report(Warned(sentence))

    def _evaluate(self) -> None:
        """Score the averaged generators, keep the best, and ask the stage's stop rule.

        Raises:
            UnknownName: The task has no such score to choose the best by.
        """
        counters = self.state.counters
        found = scores(self.task, self.state, self._fixed_batches())
        if self.world.leads:
            self.journal.write_scores(counters, found)
        if self.options.best_by not in found:
            raise UnknownName("score to choose the best by", self.options.best_by, found)
        score = found[self.options.best_by]
        if counters.best_score is None or score < counters.best_score:
            counters.best_score, counters.best_step = score, counters.step
            if self.world.leads:
                self.export(self.state, self.run.best_model)
        stage = self.task.stages[counters.stage]
        if stage.stop is not None:
            counters.stage_stopped = not improved(stage.stop, counters, found)

    def _checkpoint(self) -> None:
        """Save the restart set and the model, prune old checkpoints."""
        tensors = self.state.tensors(self.world)
        if self.world.leads:
            step, options = self.state.counters.step, self.options
            path = checkpoint_path(self.run.checkpoints, step)
            write_checkpoint(path, tensors, self.state.facts())
            keep = {self.state.counters.best_step or 0} - {0}
            if options.keep_every_kimg:
                every = options.steps_every(options.keep_every_kimg)
                keep |= {kept for kept in checkpoint_steps(self.run.checkpoints) if kept % every == 0}
            prune(self.run.checkpoints, options.keep_last, keep)
            self.export(self.state, self.run.model)
            self.report(Wrote("checkpoint", path))
        self.world.wait()

    def _roll_back(self, culprit: str) -> None:
        """Return to the last checkpoint with half the learning rate.

        Raises:
            Diverged: After three rollbacks.
        """
        bad = self.state.counters
        if bad.rollbacks >= ROLLBACKS:
            raise Diverged(
                f"'{culprit}' is not a number at {bad.seen_images / 1000:g} kimg, after {ROLLBACKS} rollbacks with "
                "smaller steps; resume with a smaller --lr or a larger --gamma."
            )
        step = checkpoint_steps(self.run.checkpoints)[-1]
        self.state.restore_(*read_checkpoint(checkpoint_path(self.run.checkpoints, step)), self.world)
        counters = self.state.counters
        counters.rollbacks, counters.lr_scale = bad.rollbacks + 1, bad.lr_scale / 2
        self._checkpoint()
        self.journal = Journal.open(self.run, self.options, counters, self.world)
        if self.world.leads:
            self.run.forget_after(counters.step)
            sentence = (
                f"'{culprit}' became NaN at {bad.seen_images / 1000:g} kimg: back to "
                f"{counters.seen_images / 1000:g} kimg with {counters.lr_scale:g} of the learning rate "
                f"(rollback {counters.rollbacks} of {ROLLBACKS})."
            )
            self.report(Warned(sentence))

    def _sample(self) -> None:
        """A grid of the same latents every time, painted by the averaged generators."""
        if self.world.leads:
            path = self.run.samples / f"{self.state.counters.seen_images:09d}.png"
            write_sheet(path, torch.cat(list(self._previews())))
            self.report(Wrote("sample", path))

    def _previews(self) -> Iterator[Tensor]:
        """The grid in parts no larger than what training works on at once."""
        count, part = self.options.preview_count, self.options.micro_batch
        batch, draw = self._fixed_batch(count)
        with resting(self.state) as networks, torch.no_grad():
            for start in range(0, count, part):
                rows = slice(start, min(start + part, count))
                some = {name: value[rows] for name, value in batch.items()}
                yield self.task.preview(networks, some, draw.rows(rows.start, rows.stop))

    def _write_real_sheet(self) -> None:
        if self.world.leads:
            batch, _ = self._fixed_batch(self.options.preview_count)
            for name, pictures in batch.items():
                if pictures.ndim == 4 and pictures.shape[1] in (1, 3, 4):
                    suffix = "" if name == "image" else f"-{name}"
                    write_sheet(self.run.samples / f"real{suffix}.png", pictures, mark=False)

    def _fixed_batch(self, count: int) -> tuple[Batch, Draw]:
        """The same pictures and randomness at every call."""
        draw = Draw(self.options.seed, count, device=self.device).named("preview")
        return self.data.training.at(0, draw), draw

    def _fixed_batches(self) -> FixedBatches:
        """Fixed batches of training pictures and, where some are held out, of those."""
        count = vitals_count(self.options)
        draw = Draw(self.options.seed, count, device=self.device).named("vitals")
        sources = {"training": self.data.training, "heldout": self.data.heldout}
        return {name: (source.at(0, draw), draw) for name, source in sources.items() if source is not None}

    def _weights(self) -> dict[str, Tensor]:
        return {
            f"{name}.{key}": value
            for name, network in self.state.trained_networks().items()
            for key, value in network.state_dict().items()
        }
