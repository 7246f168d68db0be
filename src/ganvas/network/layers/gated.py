"""Convolutions that decide pixel by pixel what counts: for pictures with holes."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.layers.initialise import LEAKY_GAIN, LEAKY_SLOPE, scaled_normal, zeros


@final
class GatedConv(nn.Module):
    """lrelu(conv(x)) · σ(conv'(x)), both convolutions 3×3: what to say, and whether to be heard.

    Yu et al. 2019 (arXiv:1806.03589), section 3.2. Every gate starts at one half, for which the features' gain makes
    up.

    Args:
        before: Channels of the input.
        after: Channels of the output.
        dilation: Distance of the kernel's taps in pixels.
    """

    def __init__(self, before: int, after: int, dilation: int = 1):
        super().__init__()
        conv = nn.Conv2d(before, 2 * after, 3, padding=dilation, dilation=dilation)
        self.features_and_gates = scaled_normal(conv, 2.0 * LEAKY_GAIN)
        with torch.no_grad():
            conv.weight[after:].zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, before, h, w)`` to ``(N, after, h, w)``."""
        features, gates = self.features_and_gates(x).chunk(2, dim=1)
        return F.leaky_relu(features, LEAKY_SLOPE) * torch.sigmoid(gates)


@final
class GatedResidual(nn.Module):
    """x + 1×1(gated(x)), without normalisation; the 1×1 convolution starts at zero."""

    def __init__(self, width: int, dilation: int = 1):
        super().__init__()
        self.gated = GatedConv(width, width, dilation)
        self.project = zeros(nn.Conv2d(width, width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        residual: Tensor = self.project(self.gated(x))
        return x + residual
