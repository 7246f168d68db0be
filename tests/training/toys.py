"""Small tasks, data and options that training tests share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.events import Event
from ganvas.tensors import Judgement
from ganvas.training.config import TrainingOptions
from ganvas.training.distribute import World
from ganvas.training.loop import Data, Loop
from ganvas.training.run import RunFolder
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row, Stage, Stop, Task, Term


def options(**changes: Any) -> TrainingOptions:
    """A complete configuration of a very short run."""
    base: dict[str, Any] = {
        "batch": 8, "micro_batch": 8, "kimg": 0.16, "gamma": 0.2, "gamma_final": 0.1, "lr": 2e-3,
        "lr_final": 1e-3, "burn_in_kimg": 0.08, "ema_kimg": 0.02, "precision": "float32", "tick_kimg": 0.032,
        "sample_every_kimg": 0.08, "checkpoint_every_kimg": 0.04, "evaluate_every_kimg": 0.04, "preview_count": 8,
    }  # fmt: skip
    return TrainingOptions(**{**base, **changes})


@dataclass(frozen=True)
class NoisyStripes:
    """Endless pictures of horizontal (a) and vertical (b) stripes, a function of position and draw."""

    side: int = 8

    def at(self, position: int, draw: Draw) -> Batch:
        own = draw.named("data", position)
        wave = torch.sin(torch.arange(self.side) * 1.5)
        a = wave.view(1, 1, -1, 1) + 0.3 * own.named("a").normal(1, self.side, self.side)
        b = wave.view(1, 1, 1, -1) + 0.3 * own.named("b").normal(1, self.side, self.side)
        return {"a": a.clamp(-1, 1).contiguous(), "b": b.clamp(-1, 1).contiguous()}


class Painter(nn.Module):
    """A tiny image-to-image generator with dropout, so that the global generator's state matters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Conv2d(8, 1, 3, padding=1)
        )

    def forward(self, images: Tensor) -> Tensor:
        painted: Tensor = self.layers(images)
        return painted


class PatchCritic(nn.Module):
    """A patch critic with spectral normalisation and features."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 8, 3, stride=2, padding=1))
        self.last = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Judgement:
        hidden = nn.functional.leaky_relu(self.first(images), 0.2)
        return Judgement((self.last(hidden).squeeze(1),), (hidden,))


class Projection(nn.Module):
    """A head that trains along with the generators."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Conv2d(8, 4, 1)

    def forward(self, features: Tensor) -> Tensor:
        projected: Tensor = self.weight(features)
        return projected


def feature_term(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    """Features of a picture and of its translation should agree after projection."""
    before = networks["projection"](networks["critic_a"](problem["a"]).features[0])
    after = networks["projection"](networks["critic_b"](painted["b"]).features[0])
    distance: Tensor = (before - after).square().flatten(1).mean(1)
    return distance


def cycle_term(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    """There and back again."""
    back = networks["b_to_a"](painted["b"])
    distance: Tensor = (back - problem["a"]).abs().flatten(1).mean(1)
    return distance


@dataclass(frozen=True)
class TwoWay:
    """Two generators, two critics, a feature term with a helper, a fake history and two stages."""

    name: str = "two-way"
    terms: Sequence[Term] = (Term("feature", 0.1, feature_term, interval=2), Term("cycle", 1.0, cycle_term))
    stages: Sequence[Stage] = (
        Stage("pixels", 0.5, critics=False, weights={"cycle": 2.0}, snapshot="faithful"),
        Stage("adversarial", 0.5, stop=Stop("cycle", patience=50)),
    )

    def players(self) -> Players:
        return Players(
            {"a_to_b": Painter(), "b_to_a": Painter()},
            {"critic_a": PatchCritic(), "critic_b": PatchCritic()},
            {"projection": Projection()},
        )

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        return dict(batch)

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        return {"b": networks["a_to_b"](problem["a"]), "a": networks["b_to_a"](problem["b"])}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        return (
            Row("critic_a", problem["a"], painted["a"], history=12, group="pair"),
            Row("critic_b", problem["b"], painted["b"], history=12, group="pair"),
        )

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        return torch.cat([batch["a"], networks["a_to_b"](batch["a"])])

    @torch.no_grad()
    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        problem = self.problem(batch, draw)
        return {"cycle": float(cycle_term(problem, self.paint(networks, problem), networks).mean())}

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        return {}


class Small(nn.Module):
    """A generator from 4 numbers to 4x4 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 16)
        self.layer.bias.requires_grad_(False)  # a network may keep a part of itself fixed

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.layer(z)).view(-1, 1, 4, 4)


class HalfFixed(nn.Module):
    """A critic whose first layer is fixed."""

    def __init__(self) -> None:
        super().__init__()
        self.fixed = nn.Conv2d(1, 4, 3, padding=1).requires_grad_(False)
        self.last = nn.Linear(64, 1)

    def forward(self, images: Tensor) -> Judgement:
        logits: Tensor = self.last(torch.tanh(self.fixed(images)).flatten(1))[:, 0]
        return Judgement((logits,))


def brightness(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    """What a helper reads off a picture should be a constant."""
    distance: Tensor = (networks["helper"](painted["x"].flatten(1)) - 0.1).square().mean(1)
    return distance


@dataclass
class Simple:
    """One generator, one critic, a helper, a frozen network; remembers what it was asked."""

    name: str = "simple"
    terms: Sequence[Term] = (Term("brightness", 0.5, brightness),)
    stages: Sequence[Stage] = (Stage("all"),)
    history: int = 0
    calls: list[str] = field(default_factory=list)
    indices: list[list[int]] = field(default_factory=list)

    def players(self) -> Players:
        torch.manual_seed(0)  # the same networks with or without a loop around
        return Players({"g": Small()}, {"d": HalfFixed()}, {"helper": nn.Linear(16, 2)}, {"eye": nn.Linear(2, 2)})

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        self.indices.append(batch["index"].tolist())
        return {"z": draw.normal(4), "real": batch["image"]}

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        self.calls.append("generator" if torch.is_grad_enabled() else "critic")
        return {"x": networks["g"](problem["z"])}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        return (Row("d", problem["real"], painted["x"], history=self.history),)

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        return self.paint(networks, self.problem(batch, draw))["x"]

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        return {}

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        return {}


class Recorder(nn.Module):
    """A critic that remembers what it was shown while it trained, and in which precision it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.shown: list[Tensor] = []
        self.in_bfloat16: list[bool] = []

    def forward(self, images: Tensor) -> Judgement:
        if self.training:
            self.shown.append(images.detach().clone())
            self.in_bfloat16.append(torch.is_autocast_enabled("cpu"))
        return Judgement((self.weight * images.mean((1, 2, 3)),))


@dataclass
class Watched(Simple):
    """The simple game; under `WATCHED` a step shows the critic real and fake, and then the generator's fake."""

    terms: Sequence[Term] = ()
    critic: Recorder = field(default_factory=Recorder)
    given: list[Row] = field(default_factory=list)
    """What was to be judged, a row a turn, while the critic trained."""

    def players(self) -> Players:
        return replace(super().players(), critics={"d": self.critic})

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        rows = super().rows(problem, painted)
        if self.critic.training:
            self.given.extend(replace(row, fake=row.fake.detach().clone()) for row in rows)
        return rows


WATCHED = {"loss": "hinge", "penalty": "none"}


class Counted:
    """4x4 noise whose index tells the stream position."""

    def at(self, position: int, draw: Draw) -> Batch:
        index = torch.arange(position + draw.start, position + (draw.total if draw.stop is None else draw.stop))
        return {"image": draw.named("data", position).uniform(1, 4, 4, low=-1.0), "index": index}


def steady(**changes: Any) -> TrainingOptions:
    """Options without schedules, so that one step is like another."""
    base = {"burn_in_kimg": 0.0, "lr": 0.01, "lr_final": 0.01, "gamma": 0.5, "gamma_final": 0.5, "estimator": "exact"}
    return options(**{**base, **changes})


@dataclass
class Exports:
    """Remembers what would be written as a model."""

    networks: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    snapshots: dict[str, Tensor] = field(default_factory=dict)
    written: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, state: TrainingState, path: Path) -> None:
        self.written.append((path.name, state.counters.step))
        self.networks = {name: dict(network.state_dict()) for name, network in state.averages.items()}
        self.snapshots = dict(state.snapshots)


def play(
    folder: Path,
    settings: TrainingOptions,
    *,
    task: Task | None = None,
    data: Data | None = None,
    export: Exports | None = None,
    events: list[Event] | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    world: World = World(),
) -> TrainingState:
    """Train in a run folder, resuming what lies there."""
    for name in ("samples", "checkpoints"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    loop = Loop(
        task=task or TwoWay(),
        data=data or Data(NoisyStripes()),
        options=settings,
        run=RunFolder(folder),
        device=torch.device("cpu"),
        world=world,
        report=(events if events is not None else []).append,
        export=export or Exports(),
        interrupted=interrupted,
    )
    return loop.play()
