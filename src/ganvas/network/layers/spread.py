"""Detail of what is known, spread over what is missing: texture without a pattern."""

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.layers.fill import blurred
from ganvas.tensors import Images

COARSEST_PX = 2.8
"""Detail is what a picture has beside its Gaussian mean of this standard deviation."""
STRIDES_PX = (2, 6, 18)
"""Between the pixels that each step adds up, nine of them: a hole gets detail from up to 26 pixels away."""
SIGNS = (-1, -1, -1, -1, 1, 1, 1, -1, 1)
"""Of these nine, row by row: no signs of nine have less autocorrelation, which would colour the texture."""


def spread_detail(filled: Images, mask: Tensor) -> Images:
    """Sum up the detail of many known pixels around each missing one, half of them with the sign turned.

    Sums of shifted copies with both signs keep the covariance of a texture, over distances and over colours, and
    lose everything else: a Gaussian texture (van Wijk 1991, spot noise; Galerne, Gousseau and Morel 2011). The signs
    are the same for every pixel, so a tile gets the texture of the whole picture.

    Args:
        filled: ``(N, C, H, W)``, the holes filled smoothly.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.

    Returns:
        ``(N, C, H, W)`` with the local deviation of detail, 0 where nothing is missing or known nearby.
    """
    with torch.autocast(filled.device.type, enabled=False):
        mean = blurred(torch.cat([filled, torch.ones_like(mask)], 1), COARSEST_PX)
        known = 1 - mask
        total, count = (filled - mean[:, :-1] / mean[:, -1:]) * known, known
        for stride in STRIDES_PX:
            total, count = _summed(total, stride, SIGNS), _summed(count, stride, (1,) * 9)
        return total / (count + 1).sqrt() * mask


def _summed(planes: Tensor, stride_px: int, factors: tuple[int, ...]) -> Tensor:
    """Nine pixels of a square lattice, each times its factor; beyond the border lies 0."""
    height, width = planes.shape[2:]
    wide = F.pad(planes, (stride_px,) * 4)
    total = torch.zeros_like(planes)
    for (row, column), factor in zip(product(range(3), repeat=2), factors, strict=True):
        total.add_(wide[..., row * stride_px :, column * stride_px :][..., :height, :width], alpha=factor)
    return total
