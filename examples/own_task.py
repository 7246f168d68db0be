"""Train a task of your own: sharpen pictures that have lost three quarters of their sides.

    python examples/own_task.py photos/

All that is not asked of the task below is the loop's: losses, averages, schedules, health, checkpoints, resuming.
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


def sharpener(width: int = 48) -> nn.Module:
    """A plain chain of convolutions, from blurred to sharp images ``(N, 3, H, W)``."""
    hidden = [layer for _ in range(3) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2))]
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), *hidden, nn.Conv2d(width, 3, 3, padding=1))


class Eye(nn.Module):
    """Judges every patch by itself: a map of logits."""

    def __init__(self) -> None:
        super().__init__()
        strided = [nn.Conv2d(3, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*strided, nn.Conv2d(64, 1, 3, padding=1))

    def forward(self, images: Tensor) -> ganvas.Judgement:
        """Judge images ``(N, 3, H, W)`` with logits ``(N, H / 4, W / 4)``."""
        return ganvas.Judgement((self.layers(images).squeeze(1),))


def blur(images: Tensor) -> Tensor:
    """Images at a quarter of their sides, brought back to their size."""
    small = F.interpolate(images, scale_factor=0.25, mode="bilinear", antialias=True)
    return F.interpolate(small, size=images.shape[-2:], mode="bilinear")


def pixel_distance(problem: Problem, painted: Painted, networks: Networks) -> Tensor:
    """Mean absolute difference, ``(N,)``."""
    return (painted["sharp"] - problem["image"]).abs().flatten(1).mean(1)


@dataclass(frozen=True)
class Sharpen:
    """Learns by pixels alone first, then also from the eye; the model keeps the weights of both stages."""

    name: str = "sharpen"
    terms: Sequence[Term] = (Term("pixels", 10.0, pixel_distance),)
    stages: Sequence[Stage] = (Stage("pixels", 0.3, critics=False, snapshot="faithful"), Stage("lively", 0.7))

    def players(self) -> Players:
        """Who plays?"""
        return Players(generators={"sharpener": sharpener()}, critics={"eye": Eye()})

    def problem(self, batch: Batch, draw: Draw) -> Problem:
        """What is the problem in this batch?"""
        return {"image": batch["image"], "blurred": blur(batch["image"])}

    def paint(self, networks: Networks, problem: Problem) -> Painted:
        """What do the generators paint?"""
        return {"sharp": networks["sharpener"](problem["blurred"])}

    def rows(self, problem: Problem, painted: Painted) -> Sequence[Row]:
        """Who judges what?"""
        return (Row("eye", real=problem["image"], fake=painted["sharp"]),)

    def preview(self, networks: Networks, batch: Batch, draw: Draw) -> Tensor:
        """A line of blurred, of sharpened and of true pictures."""
        problem = self.problem(batch, draw)
        return torch.cat([problem["blurred"][:8], self.paint(networks, problem)["sharp"][:8], problem["image"][:8]])

    def evaluate(self, networks: Networks, batch: Batch, draw: Draw) -> Mapping[str, float]:
        """Scores for `scores.jsonl`, on pictures held out."""
        problem = self.problem(batch, draw)
        return {"pixels": float(pixel_distance(problem, self.paint(networks, problem), networks).mean())}

    def descriptor(self) -> Mapping[str, Mapping[str, Any]]:
        """Nothing: the sharpener is no architecture of ganvas, so whoever loads the model hands it in."""
        return {}


def main(pictures: str | Path, **options: Any) -> nn.Module:
    """Train and load; options are those of ``ganvas train``."""
    done = ganvas.train(pictures, task=Sharpen(), **{"size": 64, "channels": 3, "labels": "none", **options})
    model = ganvas.load(done.model, generators={"sharpener": sharpener()})  # snapshot="faithful" for the first stage
    print(f"Blurred, sharpened and true pictures are in {done.run}/samples.")
    return model.generators["sharpener"]


if __name__ == "__main__":
    main(sys.argv[1], minutes=10)
