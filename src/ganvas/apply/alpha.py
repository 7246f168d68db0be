"""Transparent pictures: the network sees colours only, and no colour of what cannot be seen.

Editors leave anything, often black, where a picture is transparent; a network would draw it into the visible edge as a
fringe. So what cannot be seen is painted over with what lies next to it first. Alpha itself is resampled.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.filter import LocalFilter

BLEED_PX = 8
"""How far visible colours are carried on: beyond the few pixels that weigh in what a network paints."""
RESAMPLE_RADIUS_PX = 2


def with_alpha(filter: LocalFilter) -> LocalFilter:
    """A filter of colours (and other planes behind them) as one of the same with alpha as last plane, in and out."""

    def fn(given: Tensor) -> Tensor:
        alpha = given[:, -1:]
        colours = bled(given[:, :3], alpha)
        painted = filter(torch.cat([colours, given[:, 3:-1]], 1))
        return torch.cat([painted, enlarged(alpha, filter.scale)], 1)

    radius = max(filter.radius_px + BLEED_PX, RESAMPLE_RADIUS_PX)
    return LocalFilter(fn, filter.scale, filter.stride_px, radius, filter.channels)


def bled(colours: Tensor, alpha: Tensor) -> Tensor:
    """Colours ``(N, 3, h, w)``, those under ``alpha == -1`` taken from up to `BLEED_PX` away, from the nearest on."""
    known = (alpha > -1).to(colours.dtype)
    if bool(known.all()):
        return colours
    original = colours
    for _ in range(BLEED_PX):
        weight = F.avg_pool2d(known, 3, stride=1, padding=1)
        near = F.avg_pool2d(colours * known, 3, stride=1, padding=1) / weight.clamp_min(1 / 9)
        colours = torch.where((known == 0) & (weight > 0), near, colours)
        known = (weight > 0).to(colours.dtype)
    return torch.where(known > 0, colours, original)


def enlarged(alpha: Tensor, scale: int) -> Tensor:
    """Alpha ``(N, 1, h, w)`` in [-1, 1] by Keys's bicubic kernel (a = -3/4), its overshoot cut off."""
    if scale == 1:
        return alpha
    return F.interpolate(alpha, scale_factor=scale, mode="bicubic").clamp(-1, 1)
