"""How far a network looks: measured, not worked out from its plan."""

from copy import deepcopy
from typing import cast

import torch
from torch import Tensor, nn

from ganvas.errors import UsageError
from ganvas.network.image_to_image.interface import ImageToImage

SPARE = 16
"""Coarsest pixels around what the convolutions can reach, for interpolation, pooling and padding."""

MAX_PIXELS = 1 << 22
"""What the pictures for it may have together: about 2 GB with a network of few channels."""

DOUBLINGS = 3
"""How often the picture may prove too small before the reach counts as endless."""


@torch.no_grad()
def receptive_radius_px(network: nn.Module) -> int:
    """How many input pixels an output pixel depends on, to each side: the largest over all offsets to the stride.

    Output pixel y lies in input pixel ⌊y / scale⌋. A tile that has this many pixels around it, and whose origin is a
    multiple of the stride, is painted as in the whole picture; with fewer there are weights for which it is not.

    One line of pixels after the other is NaN, and every output that depends on it becomes NaN: no weights, not
    even zeros, can hide that. Rows and columns are measured apart. A copy of the network does it on the CPU, in
    float64, whose convolutions are direct: faster ones for float32 would smear NaN over a block.

    Args:
        network: An `ImageToImage`; it stays as it is.

    Raises:
        UsageError: An output pixel depends on everything, or on more than any tile could hold; or it would take more
            than `MAX_PIXELS` to see.
    """
    copy = deepcopy(network).cpu().double().eval()
    # A dilated convolution can step over the border without touching it, so the picture must be wide enough for all.
    stride = cast(ImageToImage, network).stride_px
    side = 2 * (_reach(copy) + SPARE) * stride
    for _ in range(DOUBLINGS + 1):
        if side * stride**2 > MAX_PIXELS:
            raise UsageError(
                f"This network has convolutions that may reach {side // 2} pixels far, too far to see how far it looks "
                f"where sides are multiples of {stride} pixels; choose one of fewer scales or blocks."
            )
        radii = [_radius_along(copy, side, vertical) for vertical in (True, False)]
        if all(radius is not None for radius in radii):
            return max(radius for radius in radii if radius is not None)
        side *= 2
    raise UsageError(
        f"An output pixel of this network depends on pixels {side // 4} away and more, so large pictures cannot be "
        "painted in tiles; leave out what pools the whole picture."
    )


def _reach(network: nn.Module) -> int:
    """How far all convolutions together look, in pixels of the resolution at which each runs."""
    convs = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return sum(max((k - 1) * d for k, d in zip(conv.kernel_size, conv.dilation, strict=True)) for conv in convs)


def _radius_along(network: nn.Module, side: int, vertical: bool) -> int | None:
    """The radius along one direction, or None if the picture of ``side`` pixels is too small to tell."""
    facts = cast(ImageToImage, network)
    given = torch.zeros(facts.stride_px, 3 + len(facts.inputs), side, facts.stride_px, dtype=torch.float64)
    middle = side // 2
    for offset, picture in enumerate(given):
        picture[:, middle + offset] = torch.nan
    painted: Tensor = network(given) if vertical else network(given.mT).mT
    reached = painted.isnan().any(dim=3).any(dim=1)
    if reached[:, [0, -1]].any():
        return None
    sample, row = reached.nonzero(as_tuple=True)
    return int((row // facts.scale - middle - sample).abs().max())
