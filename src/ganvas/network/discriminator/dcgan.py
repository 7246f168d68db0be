"""DCGAN's discriminator: strided convolutions."""

from itertools import pairwise
from typing import Literal, final

import torch.nn.functional as F
from torch import nn

from ganvas.network.layers.initialise import LEAKY_SLOPE, normal
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.projection import ProjectionHead
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.stage import coarse_to_fine
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Condition, Images, Judgement

INITIAL_STD = 0.02


@final
class DcganDiscriminator(nn.Module):
    """Radford et al. 2016 (arXiv:1511.06434): 4×4 convolutions of stride 2, leaky ReLU, one linear layer.

    BatchNorm everywhere but on the first convolution; all weights start at N(0, 0.02²). A side of odd length
    gets a row of zeros at the bottom or right before it is halved. The condition enters by projection.

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
        label_dim: Length of the condition; 0 for none.
        width: Channels after the first convolution; each further one has twice as many.
        max_width: The most channels a map has.
        normalise: "batch", or "none" for penalties that need each sample's own gradient (WGAN-GP).
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        label_dim: int = 0,
        width: int = 64,
        max_width: int = 1024,
        normalise: Literal["batch", "none"] = "batch",
    ):
        super().__init__()
        self.size, self.channels, self.label_dim = size, channels, label_dim
        self.width, self.max_width, self.normalise = width, max_width, normalise
        base, *finer = pyramid(size)
        widths = [channels, *reversed(doubling_widths(len(finer), width, max_width))]
        downs: list[nn.Module] = []
        norms: list[nn.Module] = []
        for before, after in pairwise(widths):
            downs.append(normal(nn.Conv2d(before, after, 4, stride=2, padding=1), 0.0, INITIAL_STD))
            normed = normalise == "batch" and len(norms) > 0
            norms.append(normal(nn.BatchNorm2d(after), 1.0, INITIAL_STD) if normed else nn.Identity())
        self.downs, self.norms = coarse_to_fine(downs), coarse_to_fine(norms)
        self.head = FullPrecision(ProjectionHead(widths[-1] * base[0] * base[1], label_dim, INITIAL_STD))

    def forward(self, images: Images, condition: Condition = None) -> Judgement:
        """Judge ``(N, channels, *size)``; one logit ``(N,)``, one feature map a convolution."""
        x, features = images, []
        for down, norm in zip(reversed(self.downs), reversed(self.norms), strict=True):
            even = F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
            x = F.leaky_relu(norm(down(even)), LEAKY_SLOPE)
            features.append(x)
        return Judgement((self.head(x.flatten(1), condition),), tuple(features))
