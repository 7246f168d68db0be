"""Scratch finding: where a photograph is scratched, folded, dusty or stained, as a plane of logits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ganvas.damage.scratches import scratched_print
from ganvas.draw import Draw
from ganvas.objective.segmentation import cross_entropy, overlap_loss
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row, Stage, Term


def _cross_entropy(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    return cross_entropy(painted["logits"], problem["mask"])


def _overlap(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    return overlap_loss(painted["logits"], problem["mask"])


@dataclass(frozen=True)
class FindScratches:
    """One network that marks; nobody plays against it.

    Attributes:
        make_generator: Builds the network ``(N, 3, H, W) -> logits (N, 1, H, W)``.
        description: What a model file must say to rebuild it.
    """

    make_generator: Callable[[], nn.Module]
    description: Mapping[str, Any] = field(default_factory=dict)
    terms: Sequence[Term] = (Term("cross_entropy", 1.0, _cross_entropy), Term("overlap", 1.0, _overlap))
    stages: Sequence[Stage] = (Stage("marks", critics=False),)
    name: str = "find-scratches"

    def players(self) -> Players:
        """The network alone."""
        return Players({"generator": self.make_generator()})

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        """Scans of worn prints, and where they are marked."""
        scan, mask = scratched_print(batch["image"], draw)
        return {"picture": scan, "mask": mask}

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        """Logits: positive where it takes a pixel for damaged."""
        return {"logits": networks["generator"](problem["picture"]).float()}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        """Nobody judges."""
        return ()

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        """Columns of three: the damaged picture, how sure each pixel is damaged, whether it is; ``(N, 3, 3 H, W)``."""
        problem = self.problem(batch, draw)
        sure = self.paint(networks, problem)["logits"].sigmoid()
        planes = [(2 * plane - 1).expand_as(problem["picture"]) for plane in (sure, problem["mask"])]
        return torch.cat([problem["picture"], *planes], 2)

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        """``precision`` and ``recall`` of the pixels with positive logits, over all pictures, and their ``f1``."""
        problem = self.problem(batch, draw.named("problem"))
        found, true = self.paint(networks, problem)["logits"] > 0, problem["mask"].bool()
        right = float((found & true).sum())
        precision, recall = right / max(float(found.sum()), 1.0), right / max(float(true.sum()), 1.0)
        return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        """How to rebuild the network."""
        return {"generator": self.description}
