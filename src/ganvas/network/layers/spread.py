"""Detail of what is known, spread over what is missing: texture without a pattern."""

import math
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.layers.detail import Detail

DEEP = 0.5, 0.75
"""Of the mean that detail is beside, the share that is missing where spread detail begins, at the edge of a hole, and
where it is whole."""
STRIDES_PX = (2, 6, 18)
"""Between the pixels that each step adds up, nine of them: a hole gets detail from up to 26 pixels away."""
SIGNS = (-1, -1, -1, -1, 1, 1, 1, -1, 1)
"""Of these nine, row by row: no signs of nine have less autocorrelation, which would colour the texture."""


def spread_detail(detail: Detail, mask: Tensor) -> Tensor:
    """Sum up the detail of many known pixels around each missing one, half of them with the sign turned.

    Sums of shifted copies with both signs keep the covariance of a texture, over distances and over colours, and
    lose everything else: a Gaussian texture (van Wijk 1991, spot noise; Galerne, Gousseau and Morel 2011). The signs
    are the same for every pixel, so a tile gets the texture of the whole picture. Detail that is in few places, such as
    an edge, is no texture: the sum is made smaller by how uneven it is. In a thin stroke and at the edge of a hole a
    network sees what goes on, and any texture but the true one would disturb it: there it is faded out.

    Args:
        detail: Of the pictures.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.

    Returns:
        ``(N, C, H, W)``; of an even texture with its deviation, deep in a hole; 0 where nothing is missing or known
        nearby.
    """
    with torch.autocast(mask.device.type, enabled=False):
        known, planes = 1 - mask, detail.planes
        depth = ((detail.missing - DEEP[0]) / (DEEP[1] - DEEP[0])).clamp(0, 1)
        sizes = torch.cat([known, planes.abs().mean(1, keepdim=True), planes.square().mean(1, keepdim=True)], 1)
        for stride in STRIDES_PX:
            planes, sizes = _summed(planes, stride, SIGNS), _summed(sizes, stride, (1,) * 9)
        count, absolute, square = sizes.split(1, dim=1)
        # (E|x|)² / E[x²] is 2/π of a Gaussian, and the part that is not 0 of what is 0 in most places.
        evenness = (math.pi / 2 * absolute.square() / (count * square).clamp(min=1e-12)).clamp(max=1)
        spread: Tensor = planes / (count + 1).sqrt() * evenness.square() * depth * mask
        return spread


def _summed(planes: Tensor, stride_px: int, factors: tuple[int, ...]) -> Tensor:
    """Nine pixels of a square lattice, each times its factor; beyond the border lies 0."""
    height, width = planes.shape[2:]
    wide = F.pad(planes, (stride_px,) * 4)
    total = torch.zeros_like(planes)
    for (row, column), factor in zip(product(range(3), repeat=2), factors, strict=True):
        total.add_(wide[..., row * stride_px :, column * stride_px :][..., :height, :width], alpha=factor)
    return total
