"""Our generator for CPUs and small GPUs: dense convolutions, no normalisation."""

import os
from typing import final

from torch import nn

from ganvas.network.layers.basis import BasisExpand
from ganvas.network.layers.initialise import scaled_normal
from ganvas.network.layers.latent import LatentInput
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.residual import DenseResidual
from ganvas.network.layers.stage import UpStage
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Condition, Images, Latents


@final
class FastGenerator(nn.Module):
    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        latent_dim: int,
        label_dim: int = 0,
        width: int = 32,
        max_width: int = 256,
        blocks: int = 1,
    ):
        super().__init__()
        self.size, self.channels, self.latent_dim, self.label_dim = size, channels, latent_dim, label_dim
        self.width, self.max_width, self.blocks = width, max_width, blocks
        sizes = pyramid(size)
        widths = doubling_widths(len(sizes), width, max_width)
        total = blocks * len(sizes)
        self.base = (widths[0], *sizes[0])
        self.latent = LatentInput(latent_dim, label_dim)
        h, w = sizes[0]
        if os.environ.get("GHEAD") == "basis":
            self.project = BasisExpand(self.latent.width, widths[0], sizes[0])
        else:
            self.project = scaled_normal(nn.Linear(self.latent.width, widths[0] * h * w))
        self.stages = nn.Sequential(
            *(DenseResidual(widths[0], total) for _ in range(blocks)),
            *(
                UpStage(before, after, size, [DenseResidual(after, total) for _ in range(blocks)])
                for before, after, size in zip(widths[:-1], widths[1:], sizes[1:], strict=True)
            ),
        )
        self.to_image = FullPrecision(scaled_normal(nn.Conv2d(widths[-1], channels, 1)))

    def forward(self, latent: Latents, condition: Condition = None) -> Images:
        x = self.project(self.latent(latent, condition))
        if x.ndim == 2:
            x = x.unflatten(1, self.base)
        images: Images = self.to_image(self.stages(x))
        return images
