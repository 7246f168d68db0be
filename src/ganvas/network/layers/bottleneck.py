"""The residual block of R3GAN: an inverted bottleneck around a grouped convolution."""

from typing import final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.errors import UsageError
from ganvas.network.layers.initialise import LEAKY_GAIN, LEAKY_SLOPE, scaled_normal, zeros

EXPANSION = 2


@final
class GroupedBottleneck(nn.Module):
    """x + 1×1 to width(lrelu(grouped 3×3(lrelu(1×1 to 2·width(x))))), without normalisation.

    Huang et al. 2024 (R3GAN, arXiv:2501.05441), section 4. The last convolution starts at zero and the others
    are scaled by L^(-1/4), L being the number of such blocks in the network (Fixup, three layers a branch).
    """

    def __init__(self, width: int, group_width: int, total_blocks: int):
        super().__init__()
        hidden = EXPANSION * width
        if hidden % group_width:
            raise UsageError(
                f"A width of {width} gives {hidden} hidden channels, which do not divide into groups of "
                f"{group_width}; choose a multiple of the group width, or another group width."
            )
        gain = LEAKY_GAIN * total_blocks**-0.25
        groups = hidden // group_width
        self.expand = scaled_normal(nn.Conv2d(width, hidden, 1), gain)
        self.grouped = scaled_normal(nn.Conv2d(hidden, hidden, 3, padding=1, groups=groups), gain)
        self.project = zeros(nn.Conv2d(hidden, width, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        hidden = F.leaky_relu(self.expand(x), LEAKY_SLOPE)
        hidden = F.leaky_relu(self.grouped(hidden), LEAKY_SLOPE)
        residual: Tensor = self.project(hidden)
        return x + residual
