"""Generation: a latent vector, and a label where there is one, becomes a picture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganvas.draw import Draw
from ganvas.training.sheet import COLUMNS
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row, Stage, Term


@dataclass(frozen=True)
class Generation:
    """One generator, one discriminator.

    Attributes:
        make_generator: Builds the generator ``(latents (N, Z), condition) -> images``.
        make_discriminator: Builds the discriminator ``(images, condition) -> Judgement``.
        latent_dim: Z.
        classes: Number of classes where labels are classes, otherwise 0.
        description: What a model file must say to rebuild the generator; empty for one that is not in `GENERATORS`.
        terms: Further terms of the generator's loss.
        score: Scores a generator, for the record and for choosing the best.
    """

    make_generator: Callable[[], nn.Module]
    make_discriminator: Callable[[], nn.Module]
    latent_dim: int
    classes: int = 0
    description: Mapping[str, Any] = field(default_factory=dict)
    terms: Sequence[Term] = ()
    stages: Sequence[Stage] = (Stage("adversarial"),)
    score: Callable[[nn.Module], Mapping[str, float]] | None = None
    name: str = "generate"

    def players(self) -> Players:
        """One generator and one discriminator."""
        return Players({"generator": self.make_generator()}, {"discriminator": self.make_discriminator()})

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        """Latents to paint from, under the labels of the real pictures they will be compared with."""
        return {"latent": draw.named("latent").normal(self.latent_dim), **batch}

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        """One picture a latent."""
        return {"image": paint_from(networks["generator"], problem["latent"], problem.get("label"))}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        """The discriminator compares painted pictures with real ones of the same label."""
        label = problem.get("label")
        return (Row("discriminator", problem["image"], painted["image"], label, label),)

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        """A grid of fixed latents; with classes, one class a line."""
        problem = dict(self.problem(batch, draw))
        if self.classes:
            lines = torch.arange(draw.start, draw.start + draw.count, device=problem["latent"].device) // COLUMNS
            problem["label"] = nn.functional.one_hot(lines % self.classes, self.classes).float()
        return self.paint(networks, problem)["image"]

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        """Whatever ``score`` says; of itself the task has nothing to match picture by picture."""
        return self.score(networks["generator"]) if self.score else {}

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        """How to rebuild the generator."""
        return {"generator": self.description} if self.description else {}


def paint_from(generator: nn.Module, latent: Tensor, label: Tensor | None) -> Tensor:
    """Call a generator with a label only where there is one, so that plain modules need not take it."""
    painted: Tensor = generator(latent) if label is None else generator(latent, label)
    return painted
