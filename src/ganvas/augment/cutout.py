"""Cut-out: one box of half the picture's sides is set to 0, the middle of the range.

DeVries and Taylor 2017, arXiv:1708.04552; size and place as in ADA (Karras et al. 2020, arXiv:2006.06676):
the centre is uniform over the picture, so the border may cut the box.
"""

import torch
from torch import Tensor

from ganvas.augment.gate import gated
from ganvas.draw import Draw
from ganvas.tensors import Images

SIDE_SHARE = 0.5


def draw_box(probability: float, draw: Draw) -> Tensor:
    """Draw one box a sample, empty where not applied.

    Args:
        probability: From 0 to 1.
        draw: Where the numbers come from.

    Returns:
        ``(N, 4)``: left, top, right and bottom as shares of the picture's sides.
    """
    own = draw.named("cutout")
    centre = own.uniform(2)
    box = torch.cat([centre - SIDE_SHARE / 2, centre + SIDE_SHARE / 2], 1)
    return box * gated(own, probability)[:, None]


def cut(images: Images, box: Tensor) -> Images:
    """Set the pixels whose centres lie in the boxes ``(N, 4)`` to 0, in every channel."""
    height, width = images.shape[2:]
    x = (torch.arange(width, device=box.device) + 0.5) / width
    y = ((torch.arange(height, device=box.device) + 0.5) / height)[:, None]
    left, top, right, bottom = box[:, :, None, None].unbind(1)
    hole = (left <= x) & (x < right) & (top <= y) & (y < bottom)
    return images.masked_fill(hole[:, None], 0.0)
