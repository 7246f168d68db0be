"""A 3×3 convolution that trains as several branches and costs one."""

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganvas.network.layers.initialise import scaled_normal, zeros

EXPANSION = 2


@final
class ReparameterisedConv(nn.Module):
    """3×3(x) + 1×1(x) + 3×3(1×1(x)) + x, the last where the width stays: one 3×3 convolution in more weights.

    Ding et al. 2021 (RepVGG, arXiv:2101.03697); the expand-and-squeeze branch from Zhang et al. 2021 (ECBSR,
    doi:10.1145/3474085.3475291). All branches are linear, so they are added up as kernels and not as pictures: a
    training step costs what use costs, and the weights get the same gradients. A 1×1 convolution with a bias before
    a padded 3×3 one would be no single convolution near the border; hence the one bias, after the sum.

    Args:
        before: Channels of the input.
        after: Channels of the output.
        gain: Of the 3×3 branch; the 1×1 and the expand-and-squeeze branches start at zero.
    """

    def __init__(self, before: int, after: int, gain: float = 1.0):
        super().__init__()
        hidden = EXPANSION * after
        self.full = scaled_normal(nn.Conv2d(before, after, 3, padding=1), gain)
        self.point = zeros(nn.Conv2d(before, after, 1, bias=False))
        self.expand = scaled_normal(nn.Conv2d(before, hidden, 1, bias=False))
        self.squeeze = zeros(nn.Conv2d(hidden, after, 3, bias=False))

    def kernel(self) -> Tensor:
        """The sum of all branches, ``(after, before, 3, 3)``, in the weights' own type whatever autocast says."""
        with torch.autocast(self.full.weight.device.type, enabled=False):
            squeezed = torch.einsum("ohyx,hi->oiyx", self.squeeze.weight, self.expand.weight[:, :, 0, 0])
            point = self.point.weight
            if point.shape[0] == point.shape[1]:
                point = point + torch.eye(len(point), dtype=point.dtype, device=point.device)[:, :, None, None]
            return self.full.weight + squeezed + F.pad(point, (1, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, before, h, w)`` to ``(N, after, h, w)``."""
        return F.conv2d(x, self.kernel(), self.full.bias, padding=1)

    @torch.no_grad()
    def fused(self) -> nn.Conv2d:
        """The plain convolution that this is, in the same type and place."""
        plain = nn.Conv2d(self.full.in_channels, self.full.out_channels, 3, padding=1).to(self.full.weight)
        plain.weight.copy_(self.kernel())
        assert plain.bias is not None
        assert self.full.bias is not None
        plain.bias.copy_(self.full.bias)
        return plain
