"""Does a recipe find every mode? Rings and grids of Gaussians, seconds each.

The protocol is that of VEEGAN (Srivastava et al. 2017) and PacGAN (Lin et al. 2018): 2,500 samples; one is of high
quality within three standard deviations of its nearest mode; a mode is found if it has 1 % of its fair share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.metric import modes
from ganvas.network.discriminator import build_discriminator
from ganvas.network.generator import build_generator
from ganvas.task.generate import Generation
from ganvas.training.distribute import World
from ganvas.training.play import Table, play_step
from ganvas.training.state import TrainingState
from ganvas.training.task import Batch
from tests.training.toys import options

SAMPLES = 2500


@dataclass(frozen=True)
class Gaussians:
    """Points near given centres, as pictures of 1x2 pixels."""

    centres: Tensor
    deviation: float

    def at(self, position: int, draw: Draw) -> Batch:
        own = draw.named("points", position)
        chosen = self.centres[own.named("mode").integers(len(self.centres))]
        points = chosen + self.deviation * own.named("noise").normal(2)
        return {"image": points.view(-1, 1, 1, 2)}


def ring() -> Gaussians:
    return Gaussians(modes.ring(8, 0.7).float(), 0.01)


def square_grid() -> Gaussians:
    return Gaussians(modes.square_grid(5, 0.8).float(), 0.01)


def coverage(points: Tensor, gaussians: Gaussians) -> tuple[int, float]:
    """Modes found and share of high-quality samples."""
    labels, share = modes.gaussian_modes(points, gaussians.centres, gaussians.deviation)
    return modes.count_modes(labels, len(gaussians.centres), least_share=0.01).modes_found, share


def train(gaussians: Gaussians, steps: int, **changes: Any) -> TrainingState:
    size = {"size": [1, 2], "channels": 1, "label_dim": 0, "width": 128, "depth": 3}
    task = Generation(
        lambda: build_generator("mlp", {**size, "latent_dim": 2, "bounded": False}),
        lambda: build_discriminator("mlp", size),
        latent_dim=2,
    )
    kimg = steps * 256 / 1000
    recipe: Mapping[str, Any] = {
        "batch": 256, "micro_batch": 256, "kimg": kimg, "lr": 2e-3, "lr_final": 2e-4, "gamma": 0.1,
        "gamma_final": 0.01, "burn_in_kimg": 0.8 * kimg, "ema_kimg": 0.01 * kimg, "tick_kimg": kimg, **changes,
    }  # fmt: skip
    torch.manual_seed(0)
    settings = options(**recipe)
    state = TrainingState.begin(task.players(), settings)
    table = Table(task, gaussians, settings, task.stages[0], torch.device("cpu"), World())
    for _ in range(steps):
        play_step(table, state)
    return state


def sampled(state: TrainingState) -> Tensor:
    latents = torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        points: Tensor = state.averages["generator"](latents).view(-1, 2)
    return points


CLASSIC = {"loss": "non-saturating", "penalty": "none", "beta1": 0.5, "beta2": 0.999, "beta2_final": 0.999}
"""What Goodfellow et al. 2014 and Radford et al. 2016 optimise, on the same networks."""


@pytest.mark.parametrize("estimator", ["directional", "exact"])
def test_the_default_recipe_finds_the_whole_ring(estimator: str) -> None:
    found, quality = zip(
        *(coverage(sampled(train(ring(), 600, estimator=estimator, seed=seed)), ring()) for seed in range(3)),
        strict=True,
    )
    assert found == (8, 8, 8)
    assert sum(quality) / 3 > 0.4  # single seeds give 0.33 to 0.62


def test_the_default_recipe_finds_the_whole_grid() -> None:
    found, quality = coverage(sampled(train(square_grid(), 1500)), square_grid())
    assert found == 25
    assert quality > 0.2


def test_a_classic_recipe_loses_modes_of_the_grid() -> None:
    found, _ = coverage(sampled(train(square_grid(), 1500, **CLASSIC)), square_grid())
    assert found < 23


def test_coverage_counts_what_it_should() -> None:
    modes = ring()
    at_three = modes.centres[torch.arange(900) % 3]
    assert coverage(at_three, modes) == (3, 1.0)
    far = at_three + 0.2
    assert coverage(torch.cat([at_three, far]), modes) == (3, 0.5)
