"""Fine detail of what is known around holes, and how much of it there is: where nothing goes on, nothing is painted."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.network.layers.fill import TRUST, blurred
from ganvas.tensors import Images

COARSEST_PX = 2.8
"""Detail is what a picture has beside its Gaussian mean of this standard deviation."""
WIDTHS_CELLS = (1.0, 2.0, 4.0)
"""Standard deviations of the means of its energy, near to far: up to 12 cells away."""
FLAT = 2 / 127.5
"""Deviation of detail that is heard half: two levels. Sky and paper have one or less, print and fur ten and more."""


class Detail(NamedTuple):
    """Detail of pictures.

    Attributes:
        planes: ``(N, C, H, W)``; 0 where the picture is missing.
        missing: ``(N, 1, H, W)``: of the Gaussian mean at each pixel, the share that is missing.
    """

    planes: Tensor
    missing: Tensor


def detail_of(filled: Images, mask: Tensor) -> Detail:
    """What is known beside its Gaussian mean.

    Args:
        filled: ``(N, C, H, W)``, the holes filled smoothly.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.
    """
    with torch.autocast(filled.device.type, enabled=False):
        *mean, missing, whole = blurred(torch.cat([filled, mask, torch.ones_like(mask)], 1), COARSEST_PX).split(1, 1)
        return Detail((filled - torch.cat(mean, 1) / whole) * (1 - mask), missing / whole)


def liveliness(detail: Detail, mask: Tensor, cell_px: int) -> Tensor:
    """How much of a painting is to be heard: 0 among plain colours and soft shades, towards 1 where there is detail.

    Normalised convolution of the energy of detail, at the size of cells; wider Gaussians where narrower ones see
    nothing that is known.

    Args:
        detail: Of the pictures.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.
        cell_px: Side of the cells, which H and W are multiples of.

    Returns:
        ``(N, 1, H, W)``: e / (e + FLAT²) of the mean energy e; 0 where nothing known is near.
    """
    with torch.autocast(mask.device.type, enabled=False):
        cells = F.avg_pool2d(torch.cat([detail.planes.square().mean(1, keepdim=True), 1 - mask], 1), cell_px)
        energy = torch.zeros_like(cells[:, :1])
        left = torch.ones_like(energy)
        for width in WIDTHS_CELLS:
            sums, share = blurred(cells, width).split(1, 1)
            trusted = left * (share / TRUST).clamp(max=1).square()
            energy = energy + trusted * sums / share.clamp(min=1e-6)
            left = left - trusted
        energy = F.interpolate(energy, scale_factor=cell_px, mode="bilinear", align_corners=False)
        return energy / (energy + FLAT**2)
