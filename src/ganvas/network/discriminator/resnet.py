"""SNGAN's discriminator: residual blocks under spectral normalisation."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from ganvas.network.layers.initialise import RELU_GAIN, glorot
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.projection import ProjectionHead
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.resample import downsample
from ganvas.network.layers.stage import coarse_to_fine
from ganvas.network.layers.widths import tapering_widths
from ganvas.tensors import Condition, Images, Judgement

PLAIN_BLOCKS = 2


@final
class ResnetDiscriminator(nn.Module):
    """Miyato et al. 2018 (SNGAN, arXiv:1802.05957), table 4: residual blocks, ReLU, global sum, one linear layer.

    Blocks halve the picture until the shorter side has 8 to 15 pixels (4 to 7 where it starts below 8), then two
    keep the size: at 32 pixels the paper's CIFAR-10 network. Every weight is spectrally normalised by one power
    iteration a training pass. The condition enters by projection (Miyato & Koyama 2018).

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
        label_dim: Length of the condition; 0 for none.
        width: Channels of the coarse stages; beyond 32 pixels finer ones halve it.
    """

    def __init__(self, *, size: tuple[int, int], channels: int, label_dim: int = 0, width: int = 128):
        super().__init__()
        self.size, self.channels, self.label_dim, self.width = size, channels, label_dim, width
        stages = len(pyramid(size))
        fine_to_coarse = tapering_widths(stages, width, multiple=1)[::-1]
        halving = [True] * max(0, stages - 2) + [False] * PLAIN_BLOCKS
        widths = [channels, *fine_to_coarse[: len(halving)]]
        widths += [width] * (len(halving) + 1 - len(widths))
        self.blocks = coarse_to_fine(
            DownResidual(before, after, halve=halve, from_image=number == 0)
            for number, (before, after, halve) in enumerate(zip(widths[:-1], widths[1:], halving, strict=True))
        )
        head = ProjectionHead(width, label_dim, std=width**-0.5)
        spectral_norm(head.linear)
        if head.embed is not None:
            spectral_norm(head.embed)
        self.head = FullPrecision(head)

    def forward(self, images: Images, condition: Condition = None) -> Judgement:
        """Judge ``(N, channels, *size)``; one logit ``(N,)``, one feature map a block."""
        x, features = images, []
        for block in reversed(self.blocks):
            x = block(x)
            features.append(x)
        # The sum over hundreds of pixels is taken in float32 or better: bfloat16 keeps three digits.
        pooled = F.relu(x).sum((2, 3), dtype=torch.promote_types(x.dtype, torch.float32))
        return Judgement((self.head(pooled, condition),), tuple(features))


@final
class DownResidual(nn.Module):
    """ReLU, 3×3, ReLU, 3×3, mean of 2×2, beside a 1×1 where width or size changes.

    The first block of a network has no ReLU in front, since that would cut the picture's dark half away.
    """

    def __init__(self, before: int, after: int, *, halve: bool, from_image: bool):
        super().__init__()
        self.halve, self.from_image = halve, from_image
        self.first = spectral_norm(glorot(nn.Conv2d(before, after, 3, padding=1), RELU_GAIN))
        self.second = spectral_norm(glorot(nn.Conv2d(after, after, 3, padding=1), RELU_GAIN))
        changes = halve or before != after
        self.shortcut = spectral_norm(glorot(nn.Conv2d(before, after, 1))) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, before, h, w)`` to ``(N, after, h, w)``, or half of it rounded up."""
        hidden: Tensor = self.second(F.relu(self.first(x if self.from_image else F.relu(x))))
        if self.halve:
            # A mean of pixels and a 1×1 convolution commute; fewer pixels first is cheaper.
            hidden, x = downsample(hidden), downsample(x)
        shortcut: Tensor = self.shortcut(x)
        return hidden + shortcut
