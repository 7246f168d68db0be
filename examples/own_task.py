"""Train a task of your own: sharpen pictures that have lost three quarters of their sides.

    python examples/own_task.py photos/

The loop asks a task five questions (see `ganvas.training.task`): who plays, what is the problem in this batch, what is
painted, who judges what, and which further terms count. All the rest is the loop's, resuming included.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganvas
from ganvas.draw import Draw
from ganvas.training.task import Batch, Networks, Painted, Players, Problem, Row, Stage, Term


class Sharpener(nn.Module):
    """Adds to a blurred picture what it lacks."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        inner = [layer for _ in range(3) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2))]
        first = nn.Conv2d(3, width, 3, padding=1)
        self.layers = nn.Sequential(first, nn.LeakyReLU(0.2), *inner, nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, blurred: Tensor) -> Tensor:
        sharp: Tensor = blurred + self.layers(blurred)
        return sharp


class Eye(nn.Module):
    """Judges every patch by itself: a map of logits."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        strided = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, 2, 1)]
        self.layers = nn.Sequential(*strided, nn.LeakyReLU(0.2), nn.Conv2d(2 * width, 1, 3, padding=1))

    def forward(self, images: Tensor) -> ganvas.Judgement:
        return ganvas.Judgement((self.layers(images).squeeze(1),))


def blur(images: Tensor) -> Tensor:
    """Images ``(N, 3, H, W)`` at a quarter of their sides, brought back to their size."""
    small = F.interpolate(images, scale_factor=0.25, mode="bilinear", antialias=True)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear")


def pixel_distance(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    """Mean absolute difference, ``(N,)``."""
    return (painted["sharp"] - problem["image"]).abs().flatten(1).mean(1)


@dataclass(frozen=True)
class Sharpen:
    """First by pixels alone, then against the eye as well; the model keeps the weights of both stages."""

    name: str = "sharpen"
    terms: Sequence[Term] = (Term("pixels", 10.0, pixel_distance),)
    stages: Sequence[Stage] = (Stage("pixels", 0.3, critics=False, snapshot="faithful"), Stage("lively", 0.7))

    def players(self) -> Players:
        return Players(generators={"sharpener": Sharpener()}, critics={"eye": Eye()})

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        return {"image": batch["image"], "blurred": blur(batch["image"])}

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        return {"sharp": networks["sharpener"](problem["blurred"])}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        return (Row("eye", real=problem["image"], fake=painted["sharp"]),)

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        problem = self.problem(batch, draw)
        shown = [problem["blurred"], self.paint(networks, problem)["sharp"], problem["image"]]
        return torch.cat([picture[:8] for picture in shown])

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        problem = self.problem(batch, draw)
        return {"pixels": float(pixel_distance(problem, self.paint(networks, problem), networks).mean())}

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        return {}  # the sharpener is no architecture of ganvas, so loading asks for it


def main(pictures: str | Path, **options: Any) -> nn.Module:
    """Train and load; options are those of ``ganvas train``."""
    done = ganvas.train(pictures, task=Sharpen(), **{"size": 64, "channels": 3, "labels": "none", **options})
    assert done.model is not None  # it would be after a dry run
    model = ganvas.load(done.model, generators={"sharpener": Sharpener()}, snapshot=None)  # or snapshot="faithful"
    print(f"Blurred, sharpened and true pictures are in {done.run}/samples.")
    return model.generators["sharpener"]


if __name__ == "__main__":
    main(sys.argv[1], minutes=10)
