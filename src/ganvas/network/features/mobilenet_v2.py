"""MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381), with torchvision's names of weights."""

from typing import final

from torch import Tensor, nn

from ganvas.network.features.interface import Channels, Seen

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Table 2 of the paper: expansion, width, blocks, stride of the first block."""
STEM_WIDTH, HEAD_WIDTH = 32, 1280
STAGE_ENDS = (1, 3, 6, 13, 17)
"""Where in ``features`` the last maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture are."""


@final
class MobileNetV2(nn.Module):
    """MobileNetV2 of width 1, trained on ImageNet."""

    side_px: int = 224
    dim: int = HEAD_WIDTH
    classes: int = 1000
    offset: Channels = (123.675, 116.28, 103.53)
    scale: Channels = (58.395, 57.12, 57.375)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, STEM_WIDTH, 3, 2)]
        before = STEM_WIDTH
        for expansion, width, blocks, stride in STAGES:
            for number in range(blocks):
                layers.append(_Block(before, width, stride if number == 0 else 1, expansion))
                before = width
        layers.append(_conv(before, HEAD_WIDTH, 1, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(HEAD_WIDTH, self.classes))

    def forward(self, images: Tensor) -> Seen:
        """The mean of the last map ``(N, 1280)`` and ImageNet logits ``(N, 1000)`` of ``(N, 3, side, side)``."""
        features = self.features(images).mean((2, 3))
        return Seen(features, self.classifier(features))

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The last map at each of five resolutions, 1/2 to 1/32 of the picture: 16, 24, 32, 96, 320 channels."""
        x, maps = images, []
        for row in range(STAGE_ENDS[-1] + 1):
            x = self.features[row](x)
            if row in STAGE_ENDS:
                maps.append(x)
        return tuple(maps)


def _conv(before: int, after: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU6(inplace=True),
    )


@final
class _Block(nn.Module):
    """Widen, filter each channel, narrow: the inverted residual of the paper's section 3.3."""

    def __init__(self, before: int, after: int, stride: int, expansion: int):
        super().__init__()
        self.skips = stride == 1 and before == after
        inner = before * expansion
        widen = [_conv(before, inner, 1, 1)] if expansion != 1 else []
        narrow = nn.Conv2d(inner, after, 1, bias=False)
        self.conv = nn.Sequential(*widen, _conv(inner, inner, 3, stride, inner), narrow, nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out + x if self.skips else out
