"""Strokes over a picture: lines of a few bends, and how far each pixel is from them."""

import torch
from torch import Tensor

from ganvas.draw import Draw


def draw_paths(draw: Draw, strokes: int, bends: int, length: Tensor, curl: Tensor) -> Tensor:
    """Lines that begin anywhere and turn a little at every bend.

    Args:
        draw: Decides beginnings and directions.
        strokes: Lines a sample, S.
        bends: Straight parts a line has, B.
        length: Of a whole line, as part of the picture's side ``(N, S)``.
        curl: How far a bend turns at most, radians ``(N, S)``.

    Returns:
        Points ``(N, S, B + 1, 2)`` as parts of the picture's height and width; they may lie outside.
    """
    begin = draw.named("begin").uniform(strokes, 1, 2)
    heading = draw.named("heading").uniform(strokes, 1, high=2 * torch.pi)
    turns = draw.named("turns").uniform(strokes, bends, low=-1.0) * curl[..., None]
    angle = heading + turns.cumsum(2)
    steps = torch.stack([angle.sin(), angle.cos()], 3) * (length / bends)[..., None, None]
    whole = torch.cat([torch.zeros_like(begin), steps.cumsum(2)], 2)
    return begin + whole - whole.mean(2, keepdim=True)


def distance_px(points: Tensor, size: tuple[int, int]) -> Tensor:
    """How far each pixel is from each line, pixels.

    Args:
        points: ``(N, S, B + 1, 2)``, as parts of height and width.
        size: Height and width, pixels.

    Returns:
        ``(N, S, H, W)``.
    """
    height, width = size
    y = torch.arange(height, device=points.device, dtype=torch.float32).add(0.5).view(1, 1, -1, 1)
    x = torch.arange(width, device=points.device, dtype=torch.float32).add(0.5).view(1, 1, 1, -1)
    corners = points * points.new_tensor([height, width])
    nearest: Tensor | None = None
    for number in range(points.shape[2] - 1):
        y0, x0 = (corners[:, :, number, axis, None, None] for axis in (0, 1))
        dy, dx = (corners[:, :, number + 1, axis, None, None] - start for axis, start in enumerate((y0, x0)))
        squared = (dy.square() + dx.square()).clamp(min=1e-6)
        along = (((y - y0) * (dy / squared)) + ((x - x0) * (dx / squared))).clamp_(0, 1)
        apart = (y - y0 - along * dy).square_() + (x - x0 - along * dx).square_()
        nearest = apart if nearest is None else torch.minimum(nearest, apart)
    assert nearest is not None
    return nearest.sqrt_()
