"""Smooth random fields: the irregular edges of holes, the specks of dust, the tide marks of stains."""

from functools import cache

import torch
from torch import Tensor

from ganvas.damage.rescale import cubic
from ganvas.draw import Draw


def smooth_noise(draw: Draw, size: tuple[int, int], cell_px: int) -> Tensor:
    """A random field without edges: normal numbers on a coarse lattice, and cubic curves between them.

    Args:
        draw: Where the numbers come from.
        size: Height and width of the field.
        cell_px: Distance of the lattice's points; features are about twice as large.

    Returns:
        ``(N, H, W)``: each pixel standard normal, near ones alike.
    """
    down, right = (_curves(side, cell_px, torch.device(draw.device)) for side in size)
    lattice = draw.named("lattice").normal(down.shape[1], right.shape[1])
    return torch.bmm(torch.bmm(down.expand(len(lattice), -1, -1), lattice), right.T.expand(len(lattice), -1, -1))


@cache
def _curves(side: int, cell_px: int, device: torch.device) -> Tensor:
    """What each point of the lattice adds to each pixel of a side: ``(side, points)``, rows of length 1."""
    points = -(-side // cell_px) + 3  # a curve needs two points to each side
    at = (torch.arange(side) + 0.5) / cell_px + 1
    weights = cubic(at[:, None] - torch.arange(points))
    curves: Tensor = weights / weights.norm(dim=1, keepdim=True)
    return curves.to(device)
