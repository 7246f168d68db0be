"""Our discriminator for CPUs and small GPUs: the mirror image of its generator."""

import os
from itertools import pairwise
from typing import final

from torch import Tensor, nn

from ganvas.network.layers.basis import BasisCollapse
from ganvas.network.layers.initialise import LEAKY_GAIN, scaled_normal
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.projection import ProjectionHead
from ganvas.network.layers.pyramid import pyramid
from ganvas.network.layers.resample import downsample
from ganvas.network.layers.residual import DenseResidual
from ganvas.network.layers.stage import DownStage
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Condition, Images, Judgement, Logits


@final
class FastDiscriminator(nn.Module):
    def __init__(
        self,
        *,
        size: tuple[int, int],
        channels: int,
        label_dim: int = 0,
        width: int = 32,
        max_width: int = 256,
        blocks: int = 1,
    ):
        super().__init__()
        self.size, self.channels, self.label_dim = size, channels, label_dim
        self.width, self.max_width, self.blocks = width, max_width, blocks
        sizes = pyramid(size)
        widths = doubling_widths(len(sizes), width, max_width)[::-1]
        total = blocks * len(sizes)
        from_image = scaled_normal(nn.Conv2d(channels, width, 3, padding=1))
        self.stages = nn.ModuleList([nn.Sequential(from_image, *(DenseResidual(width, total) for _ in range(blocks)))])
        for before, after in pairwise(widths):
            self.stages.append(
                DownStage(before, after, downsample, [DenseResidual(after, total) for _ in range(blocks)])
            )
        self.head = FullPrecision(FastHead(widths[-1], sizes[0], label_dim))

    def forward(self, images: Images, condition: Condition = None) -> Judgement:
        x, features = images, []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return Judgement((self.head(x, condition),), tuple(features))


@final
class FastHead(nn.Module):
    def __init__(self, width: int, size: tuple[int, int], label_dim: int):
        super().__init__()
        h, w = size
        if os.environ.get("DHEAD") == "basis":
            self.collapse = BasisCollapse(width, size)
        elif os.environ.get("DHEAD") == "flat":
            self.collapse = nn.Flatten(1)
        else:
            self.collapse = nn.Sequential(
                nn.LeakyReLU(0.2),
                nn.Flatten(1),
                scaled_normal(nn.Linear(width * h * w, 2 * width), LEAKY_GAIN),
                nn.LeakyReLU(0.2),
            )
        F_ = (
            width * h * w
            if os.environ.get("DHEAD") == "flat"
            else width
            if os.environ.get("DHEAD") == "basis"
            else 2 * width
        )
        self.project = ProjectionHead(F_, label_dim, std=F_**-0.5)

    def forward(self, x: Tensor, condition: Condition) -> Logits:
        return self.project(self.collapse(x), condition)
