"""Lines on a grid of pixels: how far every pixel lies from them, and how they are drawn at random."""

import math

import torch
from torch import Tensor

from ganvas.device import sent
from ganvas.draw import Draw


def grid(size: tuple[int, int], device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Pixel centres: y ``(H, 1)`` and x ``(1, W)``, in pixels from the upper left corner."""
    height, width = size
    return torch.arange(height, device=device)[:, None] + 0.5, torch.arange(width, device=device)[None] + 0.5


def distance_to_lines(points: Tensor, size: tuple[int, int]) -> Tensor:
    """How far each pixel lies from the nearest part of a line through points.

    Args:
        points: ``(N, P, 2)``, y and x in pixels; neighbours are joined by straight segments, P at least 2.
        size: Height and width.

    Returns:
        ``(N, H, W)``, in pixels.
    """
    y, x = grid(size, points.device)
    nearest = points.new_full((len(points), *size), math.inf)
    for start, end in zip(points[:, :-1].unbind(1), points[:, 1:].unbind(1), strict=True):
        (y0, x0), (dy, dx) = _apart(start), _apart(end - start)
        squared_length = (dy.square() + dx.square()).clamp(min=1e-6)
        down, right = y - y0, x - x0
        along = (down * (dy / squared_length) + right * (dx / squared_length)).clamp_(0, 1)
        nearest = torch.minimum(nearest, (down - along * dy).square_().add_((right - along * dx).square_()))
    return nearest.sqrt_()


def distance_to_straight(centre: Tensor, angle: Tensor, size: tuple[int, int]) -> Tensor:
    """On which side of an endless straight line each pixel lies, and how far.

    Args:
        centre: A point of each line, ``(N, 2)``, y and x in pixels.
        angle: Its direction in radians from right to down, ``(N,)``.
        size: Height and width.

    Returns:
        ``(N, H, W)`` in pixels: positive to the right of somebody who walks along the line.
    """
    y, x = grid(size, centre.device)
    y0, x0 = _apart(centre)
    return (y - y0) * angle.cos()[:, None, None] - (x - x0) * angle.sin()[:, None, None]


def wandering(draw: Draw, size: tuple[int, int], steps: int, step: tuple[float, float], turn: float) -> Tensor:
    """Lines that start anywhere in the picture and turn at every step, as a hand does that paints a stroke.

    Args:
        draw: Where the numbers come from.
        size: Height and width in pixels.
        steps: How many straight parts a line has.
        step: Least and greatest length of a part, as shares of the picture's shorter side; one length a line.
        turn: Standard deviation of the turns, in radians.

    Returns:
        Points ``(N, steps + 1, 2)``, y and x in pixels; they may leave the picture.
    """
    start = draw.named("start").uniform(1, 2) * sent(torch.tensor(size), draw.device)
    length = draw.named("length").uniform(1, low=step[0], high=step[1]) * min(size)
    first = draw.named("direction").uniform(1, high=2 * math.pi)
    heading = first + (turn * draw.named("turn").normal(steps)).cumsum(1)
    moves = torch.stack([heading.sin(), heading.cos()], 2) * length[:, :, None]
    return torch.cat([start, start + moves.cumsum(1)], 1)


def _apart(points: Tensor) -> tuple[Tensor, Tensor]:
    """Points ``(N, 2)`` as y and x ``(N, 1, 1)``."""
    return points[:, :1, None], points[:, 1:, None]
