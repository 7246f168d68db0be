"""The U: down to coarse maps, up again, and every finer map carried across."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.layers.initialise import scaled_normal


@final
class UShape(nn.Module):
    """Stages fine to coarse and back, the finer maps added across (Ronneberger et al. 2015, arXiv:1505.04597).

    Down by 2×2 convolutions of stride 2, up by 1×1 convolutions and a pixel shuffle: neither looks past the pixels
    that become one, so only the stages widen the receptive field.

    Args:
        widths: Channels of each resolution, fine to coarse.
        stage: Builds what happens at a width, before going down and after coming up.
        bottom: What happens at the coarsest resolution.
    """

    def __init__(self, widths: Sequence[int], stage: Callable[[int], nn.Module], bottom: nn.Module):
        super().__init__()
        self.encoders = nn.ModuleList(stage(width) for width in widths[:-1])
        self.downs = nn.ModuleList(
            scaled_normal(nn.Conv2d(fine, coarse, 2, stride=2)) for fine, coarse in pairwise(widths)
        )
        self.bottom = bottom
        self.ups = nn.ModuleList(scaled_normal(nn.Conv2d(coarse, 4 * fine, 1)) for fine, coarse in pairwise(widths))
        self.decoders = nn.ModuleList(stage(width) for width in widths[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, widths[0], h, w)`` to the same shape; sides divide by 2 to the number of steps down."""
        carried = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            x = encoder(x)
            carried.append(x)
            x = down(x)
        x = self.bottom(x)
        for up, decoder, across in reversed(list(zip(self.ups, self.decoders, carried, strict=True))):
            x = decoder(across + F.pixel_shuffle(up(x), 2))
        return x
