"""EfficientNet-Lite: EfficientNet (Tan and Le 2019, arXiv:1905.11946) for small devices.

Against EfficientNet, the Lite networks have no squeeze-and-excitation, a clipped rectifier in place of swish, and a
stem and a head that do not grow (github.com/tensorflow/tpu, models/official/efficientnet/lite). Names of weights are
those of the public PyTorch files. Strided convolutions pad as TensorFlow does, more at the right and the bottom.
"""

import math
from itertools import pairwise
from typing import NamedTuple, final

import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.features.interface import Channels, Seen

STEM_WIDTH, HEAD_WIDTH, WIDTH_STEP = 32, 1280, 8
BATCHNORM_EPS = 1e-3


class Stage(NamedTuple):
    """Blocks of one width."""

    kernel: int
    stride: int
    expansion: int
    width: int
    depth: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
"""Table 1 of the paper."""


@final
class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 by default; Lite1 is (1.0, 1.1, 240), Lite2 (1.1, 1.2, 260).

    Args:
        width: Factor of the widths, which are rounded to multiples of 8.
        depth: Factor of the number of blocks of each stage but the first and the last, rounded up.
        side_px: Side of the pictures it was trained on.
    """

    side_px: int = 224
    dim: int = HEAD_WIDTH
    classes: int = 1000
    offset: Channels = (127.0, 127.0, 127.0)
    scale: Channels = (128.0, 128.0, 128.0)

    def __init__(self, width: float = 1.0, depth: float = 1.0, side_px: int = 224):
        super().__init__()
        self.side_px = side_px
        self._conv_stem = SameConv(3, STEM_WIDTH, 3, stride=2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM_WIDTH, eps=BATCHNORM_EPS)
        blocks: list[_Block] = []
        before = STEM_WIDTH
        for stage in STAGES:
            after = rounded_width(stage.width * width)
            ends = stage in (STAGES[0], STAGES[-1])
            for number in range(stage.depth if ends else math.ceil(stage.depth * depth)):
                stride = stage.stride if number == 0 else 1
                blocks.append(_Block(before, after, stage.kernel, stride, stage.expansion))
                before = after
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(before, HEAD_WIDTH, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(HEAD_WIDTH, eps=BATCHNORM_EPS)
        self._fc = nn.Linear(HEAD_WIDTH, self.classes)
        strides = [block.stride for block in blocks]
        self._stage_ends = [row for row, (_, after) in enumerate(pairwise([*strides, 2])) if after == 2]

    def forward(self, images: Tensor) -> Seen:
        """The mean of the last map ``(N, 1280)`` and ImageNet logits ``(N, 1000)`` of ``(N, 3, side, side)``."""
        x = F.relu6(self._bn1(self._conv_head(self._trunk(images)[-1])), inplace=True)
        features = x.mean((2, 3))
        return Seen(features, self._fc(features))

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The last map at each of five resolutions, 1/2 to 1/32 of the picture; Lite0: 16 to 320 channels."""
        maps = self._trunk(images)
        return tuple(maps[row] for row in self._stage_ends)

    def _trunk(self, images: Tensor) -> list[Tensor]:
        x = F.relu6(self._bn0(self._conv_stem(images)), inplace=True)
        maps = []
        for block in self._blocks:
            x = block(x)
            maps.append(x)
        return maps


def rounded_width(width: float) -> int:
    """The nearest multiple of 8 that is no more than 10 % below; at least 8."""
    nearest = max(WIDTH_STEP, int(width + WIDTH_STEP / 2) // WIDTH_STEP * WIDTH_STEP)
    return nearest if nearest >= 0.9 * width else nearest + WIDTH_STEP


@final
class _Block(nn.Module):
    """Widen, filter each channel, narrow (MobileNetV2's inverted residual, Sandler et al. 2018, arXiv:1801.04381)."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        self.stride = stride
        self.skips = stride == 1 and before == after
        inner = before * expansion
        self.expands = expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(before, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, eps=BATCHNORM_EPS)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride=stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, eps=BATCHNORM_EPS)
        self._project_conv = nn.Conv2d(inner, after, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(after, eps=BATCHNORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu6(self._bn0(self._expand_conv(x)), inplace=True) if self.expands else x
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)), inplace=True)
        out: Tensor = self._bn2(self._project_conv(inner))
        return out + x if self.skips else out


@final
class SameConv(nn.Conv2d):
    """A convolution whose output has 1 / stride of the input's side, rounded up, padded as TensorFlow's ``SAME``."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, C, h, w)`` to ``(N, C', ceil(h / stride), ceil(w / stride))``."""
        (kernel, _), (stride, _) = self.kernel_size, self.stride
        lacking = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[-2:]]
        (top, bottom), (left, right) = ((lack // 2, lack - lack // 2) for lack in lacking)
        if top == bottom and left == right:  # padding inside of the convolution saves a copy
            return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), 1, self.groups)
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)
