"""DCGAN's generator: transposed convolutions."""

from itertools import pairwise
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import nn

from ganvas.network.layers.initialise import normal
from ganvas.network.layers.latent import LatentInput
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.resample import crop
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Condition, Images, Latents

INITIAL_STD = 0.02


@final
class DcganGenerator(nn.Module):
    """Radford et al. 2016 (arXiv:1511.06434): project, then 4×4 transposed convolutions of stride 2.

    BatchNorm and ReLU after every layer but the last, which ends in tanh; all weights start at N(0, 0.02²).
    The paper's 64-pixel network is ``width=128``: 1024, 512, 256, 128 channels. The condition is embedded and
    joined to the latent.

    Args:
        size: Height and width in pixels, 4 or more.
        channels: 1, 3 or 4.
        latent_dim: Length of the latent.
        label_dim: Length of the condition; 0 for none.
        width: Channels of the last map before the picture; each coarser one has twice as many.
        max_width: The most channels a map has.
        normalise: "batch", or "none" to leave BatchNorm out.
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        latent_dim: int,
        label_dim: int = 0,
        width: int = 64,
        max_width: int = 1024,
        normalise: Literal["batch", "none"] = "batch",
    ):
        super().__init__()
        self.size, self.channels, self.latent_dim, self.label_dim = size, channels, latent_dim, label_dim
        self.width, self.max_width, self.normalise = width, max_width, normalise
        self.sizes = pyramid(size)
        widths = [*doubling_widths(len(self.sizes) - 1, width, max_width), channels]
        base = self.sizes[0]
        self.latent = LatentInput(latent_dim, label_dim)
        layers: list[nn.Module] = [
            normal(nn.Linear(self.latent.width, widths[0] * base[0] * base[1]), 0.0, INITIAL_STD)
        ]
        for before, after in pairwise(widths):
            layers.append(normal(nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), 0.0, INITIAL_STD))
        layers[-1] = FullPrecision(layers[-1])
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(
            normal(nn.BatchNorm2d(channels), 1.0, INITIAL_STD) if normalise == "batch" else nn.Identity()
            for channels in widths[:-1]
        )

    def forward(self, latent: Latents, condition: Condition = None) -> Images:
        """Map latents ``(N, latent_dim)`` and a condition ``(N, label_dim)`` to images ``(N, channels, *size)``."""
        project, *ups = self.layers
        x = project(self.latent(latent, condition)).unflatten(1, (-1, *self.sizes[0]))
        for norm, up, size in zip(self.norms, ups, self.sizes[1:], strict=True):
            x = crop(up(F.relu(norm(x))), size)
        return torch.tanh(x)
