"""The residual block of `fast`: two dense 3×3 convolutions."""

from typing import final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.layers.initialise import LEAKY_GAIN, LEAKY_SLOPE, scaled_normal, zeros


@final
class DenseResidual(nn.Module):
    """x + conv(lrelu(conv(lrelu(x)))), without normalisation.

    The second convolution starts at zero and the first is scaled by L^(-1/2), L being the number of such blocks
    in the network, so that the network's step does not grow with its depth (Fixup, Zhang et al. 2019,
    arXiv:1901.09321, for two layers a branch).
    """

    def __init__(self, width: int, total_blocks: int):
        super().__init__()
        gain = LEAKY_GAIN * total_blocks**-0.5
        self.first = scaled_normal(nn.Conv2d(width, width, 3, padding=1), gain)
        self.second = zeros(nn.Conv2d(width, width, 3, padding=1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        hidden = self.first(F.leaky_relu(x, LEAKY_SLOPE))
        residual: Tensor = self.second(F.leaky_relu(hidden, LEAKY_SLOPE))
        return x + residual
