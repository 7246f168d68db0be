"""Initial weights, stated where a layer is made instead of left to torch's defaults."""

import math
from typing import TypeVar

from torch import nn

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)
AnyLayer = TypeVar("AnyLayer", nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)

LEAKY_SLOPE = 0.2
"""Slope of every leaky ReLU below zero (Radford et al. 2016; Huang et al. 2024)."""

RELU_GAIN = math.sqrt(2.0)
LEAKY_GAIN = math.sqrt(2.0 / (1.0 + LEAKY_SLOPE**2))
"""What keeps the variance through a (leaky) ReLU (He et al. 2015, arXiv:1502.01852, eq. 10 and 15)."""


def scaled_normal(layer: Layer, gain: float = 1.0) -> Layer:
    """Weights N(0, gain² / fan_in), which carries the input's variance through times gain²; zero bias."""
    fan_in = layer.weight[0].numel()
    return normal(layer, 0.0, gain / math.sqrt(fan_in))


def normal(layer: AnyLayer, mean: float, std: float) -> AnyLayer:
    """Weights N(mean, std²), zero bias."""
    nn.init.normal_(layer.weight, mean, std)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def zeros(layer: Layer) -> Layer:
    """Zero weights: the last layer of a residual branch, so that the block starts as the identity."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def glorot(layer: Layer, gain: float = 1.0) -> Layer:
    """Glorot's uniform weights with variance 2 gain² / (fan_in + fan_out), zero bias."""
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
