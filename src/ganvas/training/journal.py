"""What a run writes down about itself: statistics, vital signs, alarms, scores."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Protocol

import torch

from ganvas.errors import UsageError
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.health import Alarm, Vitals, diagnose
from ganvas.training.run import RunFolder
from ganvas.training.schedule import scheduled
from ganvas.training.state import Counters
from ganvas.training.step import Log


class EventWriter(Protocol):
    """The part of TensorBoard's writer that is used."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Note one number."""
        ...

    def close(self) -> None:
        """Write out what is still waiting."""
        ...


@dataclass
class Journal:
    """Sums since the last tick, and the vital signs so far."""

    run: RunFolder
    options: TrainingOptions
    history: dict[str, list[Vitals]]
    standing: set[tuple[str, str]]
    events: EventWriter | None
    sums: Log = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    seen_images: int = 0

    @staticmethod
    def open(run: RunFolder, options: TrainingOptions, counters: Counters, world: World) -> "Journal":
        """Go on from what the run folder holds up to now."""
        lines = [line for line in run.lines("health.jsonl") if line["step"] <= counters.step]
        history: dict[str, list[Vitals]] = {}
        known = {item.name for item in fields(Vitals)}  # another version may have written more
        for line in lines:
            for critic, vitals in line["vitals"].items():
                told = {name: value for name, value in vitals.items() if name in known}
                history.setdefault(critic, []).append(Vitals(**told))
        standing = {(alarm["critic"], alarm["kind"]) for alarm in lines[-1]["alarms"]} if lines else set()
        events = _event_writer(run, counters.seen_images) if options.tensorboard and world.leads else None
        journal = Journal(run, options, history, standing, events)
        journal.elapsed_s, journal.seen_images = counters.elapsed_s, counters.seen_images
        return journal

    def add(self, log: Log) -> None:
        """Add one step's named scalars; nothing is read from the device yet."""
        for name, value in log.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self, world: World) -> dict[str, float]:
        """Means since the last call, over all processes."""
        names = sorted(self.sums)
        if not names:
            return {}
        values = torch.stack([self.sums[name].float() / self.counts[name] for name in names])
        means = world.average(values).tolist()
        self.sums, self.counts = {}, {}
        return dict(zip(names, means, strict=True))

    def write(self, counters: Counters, stats: Mapping[str, float], vitals: Mapping[str, Vitals]) -> list[str]:
        """Write one tick's lines; returns the sentences of alarms that were not standing before."""
        now = scheduled(self.options, counters.seen_images)
        seconds = counters.elapsed_s - self.elapsed_s
        images_per_s = (counters.seen_images - self.seen_images) / seconds if seconds else 0.0
        self.elapsed_s, self.seen_images = counters.elapsed_s, counters.seen_images
        position = {"step": counters.step, "seen_kimg": counters.seen_images / 1000}
        line = {
            **position,
            "elapsed_s": round(counters.elapsed_s, 3),
            "images_per_s": round(images_per_s, 2),
            "lr": now.lr * counters.lr_scale,
            "gamma": now.gamma,
            "augment_p": counters.augment_p,
            **stats,
        }
        self.run.append("stats.jsonl", line)
        alarms = [(critic, alarm) for critic, sign in vitals.items() for alarm in self._diagnose(critic, sign)]
        self.run.append(
            "health.jsonl",
            {
                **position,
                "vitals": {critic: asdict(sign) for critic, sign in vitals.items()},
                "alarms": [{"critic": critic, **asdict(alarm)} for critic, alarm in alarms],
            },
        )
        if self.events is not None:
            for name, value in line.items():
                self.events.add_scalar(name, value, counters.seen_images)
        fresh = [alarm.sentence for critic, alarm in alarms if (critic, alarm.kind) not in self.standing]
        self.standing = {(critic, alarm.kind) for critic, alarm in alarms}
        return fresh

    def write_scores(self, counters: Counters, scores: Mapping[str, float]) -> None:
        """Write the scores of a checkpoint."""
        line = {"step": counters.step, "seen_kimg": counters.seen_images / 1000, **scores}
        self.run.append("scores.jsonl", line)

    def close(self) -> None:
        """Finish what is being written."""
        if self.events is not None:
            self.events.close()

    def _diagnose(self, critic: str, vitals: Vitals) -> tuple[Alarm, ...]:
        history = self.history.setdefault(critic, [])
        history.append(vitals)
        return diagnose(history)


def require_tensorboard(options: TrainingOptions) -> None:
    """Refuse ``--tensorboard`` where its package is missing.

    Raises:
        UsageError: Names the extra.
    """
    if options.tensorboard:
        try:
            import torch.utils.tensorboard  # noqa: F401
        except ImportError as error:
            raise UsageError("--tensorboard needs a package: pip install tensorboard.") from error


def _event_writer(run: RunFolder, seen_images: int) -> EventWriter:
    from torch.utils.tensorboard import SummaryWriter

    writer: EventWriter = SummaryWriter(run.path, purge_step=seen_images + 1)  # what is played again is forgotten
    return writer
