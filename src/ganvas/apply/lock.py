"""The colour lock: what a network paints keeps the broad colours of what it was given.

Networks shift colours a little: skin turns yellow, white becomes 254. Back-projection (Irani & Peleg 1991) adds what
the low frequencies miss: with a low-pass L, down-sampling D and up-sampling U, y ← y + U(L(x - D(y))). L has compact
support, so all of it is a local filter.
"""

from itertools import repeat

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.filter import LocalFilter

ITERATIONS = 2
_BOXES = 3


def locked(filter: LocalFilter, box_px: int) -> LocalFilter:
    """A filter whose colours keep the low frequencies of the colours it is given.

    Args:
        filter: Its first three planes are colours, in and out; others pass.
        box_px: Odd width of the box that, three times over, is the low-pass: a B-spline of standard deviation
            ``box_px / 2``, roughly, input pixels. Waves shorter than about three of it are the filter's own.

    Returns:
        A filter with one plane more, the last: what the lock has left, |L(x - D(y))| as the mean over colours, at every
        output pixel.
    """
    assert box_px % 2 == 1

    def fn(given: Tensor) -> Tensor:
        wanted, painted = given[:, :3], filter(given)
        colours, others = painted[:, :3].clamp(-1, 1), painted[:, 3:]
        for _ in repeat(None, ITERATIONS):
            colours = colours + _enlarged(_missing(wanted, colours, filter.scale, box_px), filter.scale)
            colours = colours.clamp(-1, 1)  # what a limit cuts off here, the next round gives to its neighbours
        left = _missing(wanted, colours, filter.scale, box_px).abs().mean(1, keepdim=True)
        return torch.cat([colours, others, F.interpolate(left, scale_factor=filter.scale, mode="nearest")], 1)

    radius = filter.radius_px + (ITERATIONS + 1) * low_pass_radius_px(box_px) + ITERATIONS
    return LocalFilter(fn, filter.scale, filter.stride_px, radius, filter.channels)


def low_pass(planes: Tensor, box_px: int) -> Tensor:
    """Three boxes over each other; means at the border are over what is there. Planes ``(N, C, h, w)``."""
    half = box_px // 2
    for _ in repeat(None, _BOXES):
        planes = F.avg_pool2d(planes, (box_px, 1), stride=1, padding=(half, 0), count_include_pad=False)
        planes = F.avg_pool2d(planes, (1, box_px), stride=1, padding=(0, half), count_include_pad=False)
    return planes


def low_pass_radius_px(box_px: int) -> int:
    """How far `low_pass` sees to each side."""
    return _BOXES * (box_px // 2)


def _missing(wanted: Tensor, colours: Tensor, scale: int, box_px: int) -> Tensor:
    smaller = F.avg_pool2d(colours, scale) if scale > 1 else colours
    return low_pass(wanted - smaller, box_px)


def _enlarged(planes: Tensor, scale: int) -> Tensor:
    return F.interpolate(planes, scale_factor=scale, mode="bilinear") if scale > 1 else planes
