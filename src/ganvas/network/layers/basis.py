"""The border between vectors and maps in R3GAN: a learnable picture a channel."""

import math
from typing import final

import torch
from torch import Tensor, nn

from ganvas.network.layers.initialise import scaled_normal


@final
class BasisExpand(nn.Module):
    """A vector becomes a map: each channel's learnable picture times a linear function of the vector.

    Huang et al. 2024 (R3GAN, arXiv:2501.05441); pictures start at N(0, 1).
    """

    def __init__(self, inputs: int, width: int, size: tuple[int, int]):
        super().__init__()
        self.linear = scaled_normal(nn.Linear(inputs, width, bias=False))
        self.basis = nn.Parameter(torch.randn(width, *size))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, inputs)`` to ``(N, width, *size)``."""
        loudness: Tensor = self.linear(x)
        return loudness[:, :, None, None] * self.basis.to(loudness.dtype)


@final
class BasisCollapse(nn.Module):
    """A map becomes a vector: each channel's inner product with a learnable picture.

    This is the depthwise convolution that covers the whole map; pictures start at N(0, 1 / pixels).
    """

    def __init__(self, width: int, size: tuple[int, int]):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, *size) / math.sqrt(math.prod(size)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, *size)`` to ``(N, width)``."""
        return (x * self.basis).sum((2, 3))
