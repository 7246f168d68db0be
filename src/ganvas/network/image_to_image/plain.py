"""Our upscaler for CPUs: few dense convolutions, each the sum of several while it trains."""

from typing import final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.image_to_image.interface import require_given
from ganvas.network.layers.initialise import LEAKY_GAIN, LEAKY_SLOPE, scaled_normal, zeros
from ganvas.network.layers.reparameterised import ReparameterisedConv
from ganvas.tensors import Images


@final
class PlainUpscaler(nn.Module):
    """Reparameterised 3×3 convolutions with leaky ReLU at the input's resolution, then a pixel shuffle.

    The first features are added before the last convolution, which starts at zero: a fresh network repeats every
    pixel. Repeating, unlike interpolation, needs no neighbour and no coordinate, so it is the same in every tile.

    Args:
        scale: Output side / input side.
        width: Channels of every hidden map; multiples of 16 are the fast ones.
        depth: Convolutions between the first and the last.
    """

    def __init__(self, *, scale: int = 2, width: int = 48, depth: int = 6):
        super().__init__()
        self.scale, self.width, self.depth = scale, width, depth
        self.stride_px = 1
        self.inputs: tuple[str, ...] = ()
        self.from_image = scaled_normal(nn.Conv2d(3, width, 3, padding=1), LEAKY_GAIN)
        self.body = nn.ModuleList(ReparameterisedConv(width, width, LEAKY_GAIN * depth**-0.5) for _ in range(depth))
        self.to_image = zeros(nn.Conv2d(width, 3 * scale**2, 3, padding=1))

    def forward(self, given: Tensor) -> Images:
        """Map ``(N, 3, h, w)`` to ``(N, 3, h * scale, w * scale)``, both in [-1, 1]."""
        require_given(self, given)
        # In place: a new map of this size costs as much as a third of a convolution.
        first = x = F.leaky_relu(self.from_image(given), LEAKY_SLOPE, inplace=True)
        for conv in self.body:
            x = F.leaky_relu(conv(x), LEAKY_SLOPE, inplace=True)
        residual = self.to_image(first + x)  # small, so bfloat16 has levels enough; its sum with the picture is float32
        return F.pixel_shuffle(residual + given.repeat_interleave(self.scale**2, dim=1), self.scale)
