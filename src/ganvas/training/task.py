"""The seam between the loop and a task: five questions, answered with three small records.

The loop knows nothing of generation, repair or translation. It asks a task who plays, what the problem of a
batch is, what the generators paint, who judges what, and which further terms count; it owns everything else:
batches, losses, penalties, augmentation, averages, schedules, health, checkpoints, evaluation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.training.aim import Aim

Batch = Mapping[str, Tensor]
"""What the data gives: named tensors, each ``(N, ...)``; pictures are float in [-1, 1]."""

Problem = Mapping[str, Tensor]
"""What the generators are given and must return: named tensors, each ``(N, ...)``."""

Painted = Mapping[str, Tensor]
"""What the generators made of a problem: named tensors, each ``(N, ...)``."""

Networks = Mapping[str, nn.Module]
"""Generators, critics, helpers and frozen networks by name."""


@dataclass(frozen=True)
class Players:
    """Who plays. Names are unique over all four groups.

    Attributes:
        generators: Trained to paint; averaged (EMA) and exported.
        critics: Trained to judge; each returns a `ganvas.tensors.Judgement`.
        helpers: Trained with the generators (projection heads), checkpointed, never exported.
        frozen: Never trained, pinned to eval mode; checkpointed by hash only.
    """

    generators: Mapping[str, nn.Module]
    critics: Mapping[str, nn.Module] = field(default_factory=dict)
    helpers: Mapping[str, nn.Module] = field(default_factory=dict)
    frozen: Mapping[str, nn.Module] = field(default_factory=dict)

    def networks(self) -> dict[str, nn.Module]:
        """All of them by name."""
        return {**self.generators, **self.critics, **self.helpers, **self.frozen}


@dataclass(frozen=True)
class Row:
    """One judgement the adversarial game asks for.

    Attributes:
        critic: The name of the critic that judges.
        real: Images ``(N, C, H, W)`` the critic should call real.
        fake: Images of the same shape the critic should call fake; carries the generators' graph.
        real_condition: ``(N, K)`` or an image ``(N, K, H, W)``; an image is augmented with its picture.
            Relativistic pairing compares row i of real with row i of fake, so both conditions should match.
        fake_condition: The same for the fakes.
        masked: Whether the condition is a mask of one plane outside of which nothing is painted, and a critic's maps
            of logits count where it is 1 alone.
        history: Size of the pool of past fakes the critic also sees (CycleGAN uses 50); 0 shows fresh fakes only.
        group: Rows of one group share one augmentation draw.
    """

    critic: str
    real: Tensor
    fake: Tensor
    real_condition: Tensor | None = None
    fake_condition: Tensor | None = None
    masked: bool = False
    history: int = 0
    group: str | None = None


@dataclass(frozen=True)
class Term:
    """One further term of the generators' loss.

    Attributes:
        name: Its name in the statistics.
        weight: Its factor; a stage may override it by name.
        fn: Receives the problem, the painted pictures and all networks; returns ``(N,)`` or a scalar.
        interval: Evaluated every so many steps, weighted up by the same factor.
    """

    name: str
    weight: float
    fn: Callable[[Problem, Painted, Networks], Tensor]
    interval: int = 1


@dataclass(frozen=True)
class Stop:
    """Ends a stage early: after ``patience`` evaluations without a better ``score``."""

    score: str
    patience: int
    higher_is_better: bool = False

    @property
    def aim(self) -> Aim:
        """The score and its direction."""
        return Aim(self.score, self.higher_is_better)


@dataclass(frozen=True)
class Stage:
    """A stretch of the training budget.

    Attributes:
        name: Its name in the log.
        share: Its part of the budget; the shares of all stages sum to 1.
        generators: Whether generators (and helpers) are stepped.
        critics: Whether critics are stepped, and the adversarial loss reaches the generators.
        weights: Term weights that differ in this stage.
        buffers: Buffers of generators, and their averages, that are filled with a value when the stage begins.
        snapshot: Name under which the averaged generators are kept when the stage ends.
        stop: When to end it early, by a score of `Task.evaluate`.
    """

    name: str
    share: float = 1.0
    generators: bool = True
    critics: bool = True
    weights: Mapping[str, float] = field(default_factory=dict)
    buffers: Mapping[str, float] = field(default_factory=dict)
    snapshot: str | None = None
    stop: Stop | None = None


class Task(Protocol):
    """What the loop asks. Every method must depend on its arguments alone: resuming replays them."""

    @property
    def name(self) -> str:
        """What the task is called."""
        ...

    @property
    def terms(self) -> Sequence[Term]:
        """Further terms of the generators' loss."""
        ...

    @property
    def stages(self) -> Sequence[Stage]:
        """How the budget is divided."""
        ...

    def players(self) -> Players:
        """Build the networks, freshly initialised from the global torch generator."""
        ...

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        """What this batch asks of the generators; all randomness comes from ``draw``."""
        ...

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        """Let the generators work; the loop decides whether gradients are recorded."""
        ...

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        """Who judges what: one row a critic."""
        ...

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        """Pictures for the sample grid, one or more a row of ``draw``, ``(M, C, H, W)``; the same rows every time."""
        ...

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        """Scores on held-out data, by name; may be empty."""
        ...

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        """How to rebuild generators: ``{name: {"architecture": name in GENERATORS, "arguments": plain values}}``.

        A generator that is left out can only be loaded by handing its module to `ganvas.load`.
        """
        ...
