"""A small critic for pictures of any size: one logit for every patch."""

from itertools import pairwise
from typing import final

import torch
import torch.nn.functional as F
from torch import nn

from ganvas.network.layers.condition import require_planes
from ganvas.network.layers.initialise import LEAKY_GAIN, LEAKY_SLOPE, scaled_normal
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.resample import downsample
from ganvas.network.layers.residual import DenseResidual
from ganvas.network.layers.stage import DownStage, coarse_to_fine
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Condition, Images, Judgement


@final
class PatchDiscriminator(nn.Module):
    """The patch critic of Isola et al. 2017 (arXiv:1611.07004) with the residual stages of `fast`.

    A 4×4 convolution of stride 2 spares the full resolution, where a critic would cost more than what it judges.
    Then residual blocks, halving by the mean of 2×2 between them; a 1×1 convolution makes the logits. Nothing is
    normalised, so samples stay apart. A side of odd length is rounded up.

    Args:
        channels: 1, 3 or 4.
        planes: Condition planes beside the picture, such as a mask or what was given; 0 for none.
        width: Channels at half of the picture's size.
        max_width: The most channels a stage has.
        depth: How often the sides are halved: a logit stands for 2**depth by 2**depth pixels, and sees more.
        blocks: Residual blocks a stage.
    """

    def __init__(
        self,
        *,
        channels: int,
        planes: int = 0,
        width: int = 32,
        max_width: int = 128,
        depth: int = 3,
        blocks: int = 1,
    ):
        super().__init__()
        self.channels, self.planes, self.width, self.max_width = channels, planes, width, max_width
        self.depth, self.blocks = depth, blocks
        fine_to_coarse = doubling_widths(depth, width, max_width)[::-1]

        def stage_blocks(channels: int) -> list[nn.Module]:
            return [DenseResidual(channels, blocks * depth) for _ in range(blocks)]

        from_image = scaled_normal(nn.Conv2d(channels + planes, width, 4, stride=2, padding=1), LEAKY_GAIN)
        self.from_image = nn.Sequential(from_image, nn.LeakyReLU(LEAKY_SLOPE), *stage_blocks(width))
        self.stages = coarse_to_fine(
            DownStage(before, after, downsample, stage_blocks(after)) for before, after in pairwise(fine_to_coarse)
        )
        self.head = FullPrecision(scaled_normal(nn.Conv2d(fine_to_coarse[-1], 1, 1)))

    def forward(self, images: Images, condition: Condition = None) -> Judgement:
        """Judge ``(N, channels, H, W)`` and planes ``(N, planes, H, W)``: logits ``(N, h, w)``, features a stage."""
        require_planes(condition, self.planes, images)
        x = images if condition is None else torch.cat([images, condition.to(images.dtype)], dim=1)
        x = self.from_image(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)))
        features = [x]
        for stage in reversed(self.stages):
            x = stage(x)
            features.append(x)
        return Judgement((self.head(x).squeeze(1),), tuple(features))
