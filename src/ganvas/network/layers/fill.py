"""A first, smooth guess at what is missing: means of what is known nearby."""

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.tensors import Images

WIDTHS_PX = (0.7, 1.4, 2.8, 5.6)
"""Standard deviations of the means, near to far: gaps of up to some 17 pixels are filled."""
REACH = 3
"""Where a Gaussian ends, in standard deviations."""
TRUST = 0.1
"""The share of a mean that must be known to be believed in full."""


def smooth_fill(picture: Images, mask: Tensor) -> Images:
    """Fill holes by normalised convolution (Knutsson and Westin 1993), with wider Gaussians where narrower see nothing.

    No pixel is looked at but those within three times the widest deviation, so a tile is filled as in the whole
    picture. Pixels farther than that from all that is known become 0.

    Args:
        picture: ``(N, C, H, W)``; what it holds where the mask is 1 is of no matter.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.

    Returns:
        ``(N, C, H, W)`` in float32 or wider; as given where the mask is 0.
    """
    with torch.autocast(picture.device.type, enabled=False):
        picture, mask = (plane if plane.dtype == torch.float64 else plane.float() for plane in (picture, mask))
        known = 1 - mask
        both = torch.cat([picture * known, known], 1)
        filled, left = torch.zeros_like(picture), torch.ones_like(mask)
        for width_px in WIDTHS_PX:
            means = _blurred(both, width_px)
            share = means[:, -1:]
            trusted = left * (share / TRUST).clamp(max=1).square()
            filled = filled + trusted * means[:, :-1] / share.clamp(min=1e-6)
            left = left - trusted
        return picture * known + filled * mask  # `where` would hide from a probe with NaN how far it looks


def _blurred(planes: Tensor, width_px: float) -> Tensor:
    """A Gaussian down, then across; beyond the border lies 0."""
    kernel, count = planes.new_tensor(_gaussian(width_px)), planes.shape[1]
    radius = len(kernel) // 2
    down = F.conv2d(planes, kernel.view(1, 1, -1, 1).expand(count, 1, -1, 1), padding=(radius, 0), groups=count)
    return F.conv2d(down, kernel.view(1, 1, 1, -1).expand(count, 1, 1, -1), padding=(0, radius), groups=count)


@cache
def _gaussian(width_px: float) -> tuple[float, ...]:
    """A kernel of sum 1. No tensor: one made under `torch.inference_mode` would be of no use in training."""
    radius = round(REACH * width_px)
    weights = [math.exp(-((offset / width_px) ** 2) / 2) for offset in range(-radius, radius + 1)]
    return tuple(weight / math.fsum(weights) for weight in weights)
