"""Restoration at the same size: a U of residual blocks that paints what is to be added."""

from typing import Literal, final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.image_to_image.interface import require_given
from ganvas.network.layers.depthwise import DepthwiseResidual
from ganvas.network.layers.initialise import scaled_normal, zeros
from ganvas.network.layers.precision import FullPrecision
from ganvas.network.layers.residual import DenseResidual
from ganvas.network.layers.ushape import UShape
from ganvas.network.layers.widths import doubling_widths
from ganvas.tensors import Images


@final
class Unet(nn.Module):
    """Pixels are unshuffled to half the size, the U goes down from there, and its result is shuffled back.

    The width doubles where the sides halve, so every scale costs the same. No block mixes pixels other than by
    convolution. The last convolution starts at zero: a fresh network changes nothing.

    Args:
        inputs: Planes beside the picture: "strength" (0 to 1, how much to restore), "mask", both or none.
        channels_out: 3 for a picture, the given one plus what the network paints; 1 for a plane of logits.
        width: Channels at half of the picture's size.
        max_width: The most channels a scale has.
        scales: How often the sides are halved, the unshuffling included.
        blocks: Residual blocks before going down and after coming up, and twice as many at the coarsest scale.
        block: "dense" is two 3×3 convolutions, "depthwise" is NAFNet's block.
    """

    def __init__(
        self,
        *,
        inputs: tuple[Literal["mask", "strength"], ...] = ("strength",),
        channels_out: int = 3,
        width: int = 32,
        max_width: int = 128,
        scales: int = 3,
        blocks: int = 1,
        block: Literal["dense", "depthwise"] = "dense",
    ):
        super().__init__()
        self.inputs: tuple[str, ...] = inputs
        self.channels_out, self.width, self.max_width = channels_out, width, max_width
        self.scales, self.blocks, self.block = scales, blocks, block
        self.scale = 1
        self.stride_px = 2**scales
        widths = doubling_widths(scales, width, max_width)[::-1]

        def stage(channels: int, count: int = blocks) -> nn.Sequential:
            if block == "depthwise":
                return nn.Sequential(*(DepthwiseResidual(channels) for _ in range(count)))
            return nn.Sequential(*(DenseResidual(channels, 2 * blocks * scales) for _ in range(count)))

        self.from_image = scaled_normal(nn.Conv2d(4 * (3 + len(inputs)), width, 3, padding=1))
        self.body = UShape(widths, stage, stage(widths[-1], 2 * blocks))
        self.to_image = FullPrecision(zeros(nn.Conv2d(width, 4 * channels_out, 3, padding=1)))

    def forward(self, given: Tensor) -> Images:
        """Map ``(N, 3 + len(inputs), h, w)`` to ``(N, channels_out, h, w)``."""
        require_given(self, given)
        painted = F.pixel_shuffle(self.to_image(self.body(self.from_image(F.pixel_unshuffle(given, 2)))), 2)
        return given[:, :3] + painted if self.channels_out == 3 else painted
