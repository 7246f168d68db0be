"""Inception-v3 as the Fréchet inception distance uses it (Szegedy et al. 2015, arXiv:1512.00567).

This is the network of the file of 2015-12-05 with 1,008 outputs, which Salimans et al. 2016 (arXiv:1606.03498) and
Heusel et al. 2017 (arXiv:1706.08500) scored with. It differs from later Inception-v3 networks: average pools count
no padding, and the last block pools by the maximum. Names of weights are those of the public PyTorch file.

An average over what is inside of the picture and a 1x1 convolution with its normalisation may change places (the
weights of the average add up to 1). Convolving first leaves less to pool.
"""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.features.interface import Channels, Seen

FEATURES, CLASSES = 2048, 1008
BATCHNORM_EPS = 1e-3


@final
class InceptionV3(nn.Module):
    """Inception-v3 with the outputs that scores are made of: the last pooled map and logits without their bias."""

    side_px: int = 299
    dim: int = FEATURES
    classes: int = CLASSES
    offset: Channels = (128.0, 128.0, 128.0)
    scale: Channels = (128.0, 128.0, 128.0)

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, 3)
        self.Conv2d_2b_3x3 = _Conv(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = _Conv(64, 80, 1)
        self.Conv2d_4a_3x3 = _Conv(80, 192, 3)
        self.Mixed_5b = _Mixed35(192, pooled=32)
        self.Mixed_5c = _Mixed35(256, pooled=64)
        self.Mixed_5d = _Mixed35(288, pooled=64)
        self.Mixed_6a = _To17(288)
        self.Mixed_6b = _Mixed17(768, inner=128)
        self.Mixed_6c = _Mixed17(768, inner=160)
        self.Mixed_6d = _Mixed17(768, inner=160)
        self.Mixed_6e = _Mixed17(768, inner=192)
        self.Mixed_7a = _To8(768)
        self.Mixed_7b = _Mixed8(1280, by_maximum=False)
        self.Mixed_7c = _Mixed8(2048, by_maximum=True)
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, images: Tensor) -> Seen:
        """The last map's mean ``(N, 2048)`` and logits without bias ``(N, 1008)`` of ``(N, 3, 299, 299)``."""
        features = self.stages(images)[-1].mean((2, 3))
        return Seen(features, F.linear(features, self.fc.weight))

    def stages(self, images: Tensor) -> tuple[Tensor, ...]:
        """The last map at each of five resolutions: 147² x 64, 71² x 192, 35² x 288, 17² x 768, 8² x 2048."""
        first = _chain(images, self.Conv2d_1a_3x3, self.Conv2d_2a_3x3, self.Conv2d_2b_3x3)
        second = _chain(F.max_pool2d(first, 3, 2), self.Conv2d_3b_1x1, self.Conv2d_4a_3x3)
        third = _chain(F.max_pool2d(second, 3, 2), self.Mixed_5b, self.Mixed_5c, self.Mixed_5d)
        fourth = _chain(third, self.Mixed_6a, self.Mixed_6b, self.Mixed_6c, self.Mixed_6d, self.Mixed_6e)
        fifth = _chain(fourth, self.Mixed_7a, self.Mixed_7b, self.Mixed_7c)
        return first, second, third, fourth, fifth


@final
class _Conv(nn.Module):
    """A convolution, its normalisation and a rectifier."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=BATCHNORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)

    def averaged(self, x: Tensor) -> Tensor:
        """The same of the 3x3 averages of ``x``, for a 1x1 convolution."""
        linear = self.bn(self.conv(x))
        return F.relu(F.avg_pool2d(linear, 3, 1, 1, count_include_pad=False), inplace=True)


def _chain(x: Tensor, *layers: nn.Module) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


@final
class _Mixed35(nn.Module):
    """Four branches at 35 px; figure 5 of the paper, with a 5x5 filter left in."""

    def __init__(self, before: int, pooled: int):
        super().__init__()
        self.branch1x1 = _Conv(before, 64, 1)
        self.branch5x5_1 = _Conv(before, 48, 1)
        self.branch5x5_2 = _Conv(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = _Conv(before, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, padding=1)
        self.branch_pool = _Conv(before, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        five = _chain(x, self.branch5x5_1, self.branch5x5_2)
        three_twice = _chain(x, self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3)
        return torch.cat([self.branch1x1(x), five, three_twice, self.branch_pool.averaged(x)], dim=1)


@final
class _To17(nn.Module):
    """From 35 to 17 px; figure 10 of the paper."""

    def __init__(self, before: int):
        super().__init__()
        self.branch3x3 = _Conv(before, 384, 3, stride=2)
        self.branch3x3dbl_1 = _Conv(before, 64, 1)
        self.branch3x3dbl_2 = _Conv(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = _Conv(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        three_twice = _chain(x, self.branch3x3dbl_1, self.branch3x3dbl_2, self.branch3x3dbl_3)
        return torch.cat([self.branch3x3(x), three_twice, F.max_pool2d(x, 3, 2)], dim=1)


@final
class _Mixed17(nn.Module):
    """Four branches at 17 px, 7x7 filters as rows and columns; figure 6 of the paper."""

    def __init__(self, before: int, inner: int):
        super().__init__()
        self.branch1x1 = _Conv(before, 192, 1)
        self.branch7x7_1 = _Conv(before, inner, 1)
        self.branch7x7_2 = _Conv(inner, inner, (1, 7), padding=(0, 3))
        self.branch7x7_3 = _Conv(inner, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = _Conv(before, inner, 1)
        self.branch7x7dbl_2 = _Conv(inner, inner, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = _Conv(inner, inner, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = _Conv(inner, inner, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = _Conv(inner, 192, (1, 7), padding=(0, 3))
        self.branch_pool = _Conv(before, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        once = _chain(x, self.branch7x7_1, self.branch7x7_2, self.branch7x7_3)
        twice = _chain(x, self.branch7x7dbl_1, self.branch7x7dbl_2, self.branch7x7dbl_3)
        twice = _chain(twice, self.branch7x7dbl_4, self.branch7x7dbl_5)
        return torch.cat([self.branch1x1(x), once, twice, self.branch_pool.averaged(x)], dim=1)


@final
class _To8(nn.Module):
    """From 17 to 8 px."""

    def __init__(self, before: int):
        super().__init__()
        self.branch3x3_1 = _Conv(before, 192, 1)
        self.branch3x3_2 = _Conv(192, 320, 3, stride=2)
        self.branch7x7x3_1 = _Conv(before, 192, 1)
        self.branch7x7x3_2 = _Conv(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = _Conv(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = _Conv(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        three = _chain(x, self.branch3x3_1, self.branch3x3_2)
        seven = _chain(x, self.branch7x7x3_1, self.branch7x7x3_2, self.branch7x7x3_3, self.branch7x7x3_4)
        return torch.cat([three, seven, F.max_pool2d(x, 3, 2)], dim=1)


@final
class _Mixed8(nn.Module):
    """Six branches at 8 px, rows and columns side by side; figure 7 of the paper."""

    def __init__(self, before: int, by_maximum: bool):
        super().__init__()
        self.by_maximum = by_maximum
        self.branch1x1 = _Conv(before, 320, 1)
        self.branch3x3_1 = _Conv(before, 384, 1)
        self.branch3x3_2a = _Conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = _Conv(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = _Conv(before, 448, 1)
        self.branch3x3dbl_2 = _Conv(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = _Conv(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = _Conv(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = _Conv(before, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        once = self.branch3x3_1(x)
        twice = _chain(x, self.branch3x3dbl_1, self.branch3x3dbl_2)
        pooled = self.branch_pool(F.max_pool2d(x, 3, 1, 1)) if self.by_maximum else self.branch_pool.averaged(x)
        branches = [self.branch1x1(x), self.branch3x3_2a(once), self.branch3x3_2b(once)]
        branches += [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice), pooled]
        return torch.cat(branches, dim=1)
