"""Runs of the small tasks under watch: killed, broken, and looked into at every checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.events import Event, Warned, Wrote
from ganvas.training import loop
from ganvas.training.checkpoint import read_checkpoint
from ganvas.training.distribute import World
from ganvas.training.loop import Data
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Networks, Painted, Problem, Stage, Stop
from tests.training.toys import Counted, Simple, options, play

DATA = Data(Counted())
SETTINGS = options()  # 20 steps; a tick every 4, a checkpoint every 5, a sample grid every 10


class KilledError(BaseException):
    """Stands for a process that ends without a chance to save anything."""


class Before:
    """Kills a run, or asks it to stop, before its n-th step of this process."""

    def __init__(self, step: int, *, kill: bool = True) -> None:
        self.steps, self.last, self.kill = count(1), step, kill

    def __call__(self) -> bool:
        reached = next(self.steps) >= self.last
        if reached and self.kill:
            raise KilledError
        return reached


@dataclass
class Breaking(Simple):
    """A weight becomes NaN in some of the generator's turns, counted over the whole process."""

    at: Sequence[int] = ()
    turns: int = 0
    planted: float = float("nan")

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        if torch.is_grad_enabled():
            self.turns += 1
            if self.turns in self.at:
                weight = next(networks["g"].parameters())
                weight.data[0, 0] = self.planted
        return super().paint(networks, problem)


@dataclass
class Watch:
    """Keeps what is reported, and looks into every checkpoint the moment it is there."""

    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Wrote) and event.kind == "checkpoint":
            tensors, _ = read_checkpoint(event.path)
            assert all(tensor.isfinite().all() for tensor in tensors.values())

    def warnings(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Warned)]


def watched(folder: Path, task: Simple, watch: Watch | None = None, **more: Any) -> tuple[TrainingState, Watch]:
    watch = watch or Watch()
    settings = more.pop("settings", SETTINGS)
    return play(folder, settings, task=task, data=DATA, events=watch, **more), watch  # type: ignore[arg-type]


def weights(state: TrainingState) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in state.tensors(World()).items()}


def differing(ours: TrainingState, theirs: TrainingState) -> list[str]:
    """The names of all that a checkpoint holds and that is not the same."""
    mine, its = ours.tensors(World()), theirs.tensors(World())
    assert set(mine) == set(its)
    return [key for key in mine if not torch.equal(mine[key], its[key])]


def score_by_step(
    monkeypatch: pytest.MonkeyPatch, values: Mapping[int, float], name: str = "random_feature_distance"
) -> None:
    """Let the task have these scores at these steps."""
    monkeypatch.setattr(loop, "scores", lambda task, state, batches: {name: values.get(state.counters.step, 9.0)})


class Untrained(Simple):
    """Refuses to be trained."""

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        assert not torch.is_grad_enabled(), "a step was played"
        return super().paint(networks, problem)


@dataclass
class Stuck(Simple):
    """Its first stage never scores better and stops at its second score."""

    stages: Sequence[Stage] = (
        Stage("first", 0.8, snapshot="kept", stop=Stop("score", patience=1)),
        Stage("second", 0.2),
    )

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        return {"score": 1.0}
