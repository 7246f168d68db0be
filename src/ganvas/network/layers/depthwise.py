"""The residual block of NAFNet, without its attention: depthwise convolutions and products instead of activations."""

from typing import final

from torch import Tensor, nn

from ganvas.network.layers.initialise import scaled_normal, zeros

EPSILON = 1e-6


@final
class DepthwiseResidual(nn.Module):
    """x + 1×1(gate(depthwise 3×3(1×1(norm(x))))), then the same without the 3×3; both branches double the width.

    Chen et al. 2022 (NAFNet, arXiv:2204.04676), figure 3. The channel attention is left out: it pools the whole
    picture, so tiles would disagree, and a window large enough to help would widen their overlap. The last
    convolution of each branch starts at zero in the place of the paper's scales β and γ.
    """

    def __init__(self, width: int):
        super().__init__()
        depthwise = scaled_normal(nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width))
        self.spatial = nn.Sequential(ChannelNorm(width), _expand(width), depthwise, SimpleGate(), _project(width))
        self.pointwise = nn.Sequential(ChannelNorm(width), _expand(width), SimpleGate(), _project(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        x = x + self.spatial(x)
        mixed: Tensor = x + self.pointwise(x)
        return mixed


@final
class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel alone (Ba et al. 2016, arXiv:1607.06450)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, width, h, w)`` to the same shape."""
        normed: Tensor = self.norm(x.permute(0, 2, 3, 1))
        return normed.permute(0, 3, 1, 2)


@final
class SimpleGate(nn.Module):
    """The product of the two halves of the channels (Chen et al. 2022, eq. 4)."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, 2 C, h, w)`` to ``(N, C, h, w)``."""
        first, second = x.chunk(2, dim=1)
        return first * second


def _expand(width: int) -> nn.Conv2d:
    return scaled_normal(nn.Conv2d(width, 2 * width, 1))


def _project(width: int) -> nn.Conv2d:
    return zeros(nn.Conv2d(width, width, 1))
