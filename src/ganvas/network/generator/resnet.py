"""SNGAN's generator: residual blocks with (conditional) batch normalisation."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.layers.batchnorm import ConditionalBatchNorm
from ganvas.network.layers.condition import require_condition
from ganvas.network.layers.initialise import RELU_GAIN, glorot
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.resample import upsample_nearest
from ganvas.network.layers.widths import tapering_widths
from ganvas.tensors import Condition, Images, Latents


@final
class ResnetGenerator(nn.Module):
    """Miyato et al. 2018 (SNGAN, arXiv:1802.05957), table 4: a dense layer, then one residual block a doubling.

    At 32 pixels this is the paper's CIFAR-10 network with its 256 channels; finer stages halve them. The condition
    sets the scale and shift of every batch normalisation but the last (Miyato & Koyama 2018). tanh at the end.

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
        latent_dim: Length of the latent.
        label_dim: Length of the condition; 0 for none.
        width: Channels of the first four stages.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        latent_dim: int,
        label_dim: int = 0,
        width: int = 256,
    ):
        super().__init__()
        self.size, self.channels, self.latent_dim, self.label_dim = size, channels, latent_dim, label_dim
        self.width = width
        self.sizes = pyramid(size)
        widths = tapering_widths(len(self.sizes), width, multiple=1)
        base = self.sizes[0]
        self.project = glorot(nn.Linear(latent_dim, widths[0] * base[0] * base[1]))
        self.blocks = nn.ModuleList(
            UpResidual(before, after, size, label_dim)
            for before, after, size in zip(widths[:-1], widths[1:], self.sizes[1:], strict=True)
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = FullPrecision(glorot(nn.Conv2d(widths[-1], channels, 3, padding=1)))

    def forward(self, latent: Latents, condition: Condition = None) -> Images:
        """Map latents ``(N, latent_dim)`` and a condition ``(N, label_dim)`` to images ``(N, channels, *size)``."""
        require_condition(condition, self.label_dim)
        x = self.project(latent).unflatten(1, (-1, *self.sizes[0]))
        for block in self.blocks:
            x = block(x, condition)
        return torch.tanh(self.to_image(F.relu(self.norm(x))))


@final
class UpResidual(nn.Module):
    """BatchNorm, ReLU, doubling, 3×3, BatchNorm, ReLU, 3×3, beside a doubled 1×1."""

    def __init__(self, before: int, after: int, size: tuple[int, int], label_dim: int):
        super().__init__()
        self.size = size
        self.norm_first = ConditionalBatchNorm(before, label_dim)
        self.first = glorot(nn.Conv2d(before, after, 3, padding=1), RELU_GAIN)
        self.norm_second = ConditionalBatchNorm(after, label_dim)
        self.second = glorot(nn.Conv2d(after, after, 3, padding=1), RELU_GAIN)
        self.shortcut = glorot(nn.Conv2d(before, after, 1))

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Map ``(N, before, h, w)`` to ``(N, after, *size)``."""
        doubled = upsample_nearest(F.relu(self.norm_first(x, condition)), self.size)
        hidden: Tensor = self.second(F.relu(self.norm_second(self.first(doubled), condition)))
        return hidden + upsample_nearest(self.shortcut(x), self.size)
