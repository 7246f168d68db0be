import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganvas.network.layers.initialise import (
    LEAKY_GAIN,
    LEAKY_SLOPE,
    RELU_GAIN,
    glorot,
    normal,
    scaled_normal,
    zeros,
)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nn.Linear(512, 300), 512),
        (nn.Conv2d(64, 128, 3), 64 * 9),
        (nn.Conv2d(128, 128, 3, groups=8), 16 * 9),
    ],
)
def test_scaled_normal_divides_by_the_fan_in(layer: Any, fan_in: int) -> None:
    scaled_normal(layer, gain=1.5)
    assert layer.weight.std().item() == pytest.approx(1.5 / math.sqrt(fan_in), rel=0.02)
    assert not layer.bias.any()


@pytest.mark.parametrize(("slope", "gain"), [(0.0, RELU_GAIN), (LEAKY_SLOPE, LEAKY_GAIN)])
def test_gains_keep_the_second_moment_through_twenty_layers(slope: float, gain: float) -> None:
    x = torch.randn(256, 512)
    for _ in range(20):
        x = F.leaky_relu(scaled_normal(nn.Linear(512, 512), gain)(x), slope)
    assert x.square().mean().item() == pytest.approx(1.0, rel=0.35)


def test_zeros_are_zero_and_normal_has_its_moments() -> None:
    assert not zeros(nn.Conv2d(8, 8, 3)).weight.any()
    layer = normal(nn.BatchNorm2d(20000), 1.0, 0.02)
    assert layer.weight.mean().item() == pytest.approx(1.0, abs=1e-3)
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.02)


def test_glorot_is_uniform_with_its_variance() -> None:
    weight = glorot(nn.Conv2d(32, 96, 3), gain=RELU_GAIN).weight
    variance = 2 * RELU_GAIN**2 / ((32 + 96) * 9)
    assert weight.var().item() == pytest.approx(variance, rel=0.03)
    assert weight.abs().max().item() == pytest.approx(math.sqrt(3 * variance), rel=0.01)
