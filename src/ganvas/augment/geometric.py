"""Flip, shift, scale and rotate as one affine map of pixel positions, sampled once.

The strengths are those of ADA (Karras et al. 2020, arXiv:2006.06676, appendix B), the scale bounded so that
bilinear sampling does not alias. Flips and angles are uniform over their whole group and only then gated by
the probability: below 1 the picture as it was stays the likeliest, so a generator that learns the augmented
pictures instead of the true ones is told apart (no leak).

Positions are in pixels from the centre of the picture. They, and the bilinear weights, are exact in float32
for flips and whole-pixel shifts, so those and the identity give back the very same values. `grid_sample` does
not, as it rounds normalised positions; nor has it a forward-mode rule.
"""

import math
from collections.abc import Collection

import torch
from torch import Tensor

from ganvas.augment.gate import gated
from ganvas.draw import Draw
from ganvas.tensors import Images

GEOMETRIC_KINDS = ("flip", "shift", "scale", "rotate")

SHIFT_SHARE = 1 / 8
SCALE_LOG2_STD = 0.2
SCALE_LOG2_LIMIT = 0.4


def draw_affine(kinds: Collection[str], probability: float, draw: Draw, size: tuple[int, int]) -> Tensor:
    """Draw one affine map a sample.

    Args:
        kinds: Those of `GEOMETRIC_KINDS` to use.
        probability: Of each kind, from 0 to 1.
        draw: Where the numbers come from.
        size: Height and width of the pictures, pixels.

    Returns:
        ``(N, 2, 3)``, see `compose_affine`.
    """
    zero = torch.zeros(draw.count, device=draw.device)
    mirror, right, down, log2_zoom, angle = zero + 1, zero, zero, zero, zero
    if "flip" in kinds:
        own = draw.named("flip")
        mirror = 1.0 - 2.0 * (gated(own, probability) & (own.uniform() < 0.5))
    if "shift" in kinds:
        own = draw.named("shift")
        chosen = gated(own, probability)
        most_down, most_right = (int(side * SHIFT_SHARE) for side in size)
        right = chosen * (own.named("right").integers(2 * most_right + 1) - most_right)
        down = chosen * (own.named("down").integers(2 * most_down + 1) - most_down)
    if "scale" in kinds:
        own = draw.named("scale")
        drawn = (own.normal() * SCALE_LOG2_STD).clamp(-SCALE_LOG2_LIMIT, SCALE_LOG2_LIMIT)
        log2_zoom = gated(own, probability) * drawn
    if "rotate" in kinds:
        own = draw.named("rotate")
        angle = gated(own, probability) * own.uniform(low=-math.pi, high=math.pi)
    return compose_affine(mirror, right, down, log2_zoom.exp2(), angle)


def compose_affine(mirror: Tensor, right: Tensor, down: Tensor, zoom: Tensor, angle: Tensor) -> Tensor:
    """The map from a painted pixel to its source, both in pixels right of and below the centre.

    It says: mirror the picture, enlarge it, turn it, then move it.

    Args:
        mirror: ``(N,)``, -1 swaps left and right, 1 does not.
        right: ``(N,)``, pixels the picture moves right.
        down: ``(N,)``, pixels it moves down.
        zoom: ``(N,)``, above 1 enlarges.
        angle: ``(N,)``, radians, clockwise on the screen.

    Returns:
        ``(N, 2, 3)``: rows source x and y; columns x, y and 1.
    """
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    x = torch.stack([cos, sin, -(cos * right + sin * down)], 1) * mirror[:, None]
    y = torch.stack([-sin, cos, sin * right - cos * down], 1)
    return torch.stack([x, y], 1)


def warp(images: Images, affine: Tensor) -> Images:
    """Sample images bilinearly at the source of every pixel.

    Beyond the border the picture is mirrored: a constant fill would put an edge into the picture that no real
    one has, and a leak of it would show as a frame.

    Args:
        images: ``(N, C, H, W)``.
        affine: ``(N, 2, 3)`` from `draw_affine`.
    """
    height, width = images.shape[2:]
    x = torch.arange(width, device=affine.device) - (width - 1) / 2
    y = torch.arange(height, device=affine.device)[:, None] - (height - 1) / 2
    x_factor, y_factor, offset = (column[:, :, None, None] for column in affine.unbind(2))
    source_x, source_y = (x_factor * x + y_factor * y + offset).unbind(1)
    columns, column_weights = _two_taps(source_x + (width - 1) / 2, width)
    rows, row_weights = _two_taps(source_y + (height - 1) / 2, height)

    taps = (rows[:, :, None] * width + columns[:, None]).flatten(1)
    weights = (row_weights[:, :, None] * column_weights[:, None]).flatten(1, 2)
    values = images.flatten(2).gather(2, taps[:, None].expand(-1, images.shape[1], -1))
    blended: Tensor = (values.unflatten(2, (4, height, width)) * weights[:, None]).sum(2)
    return blended.to(images.dtype)


def _two_taps(position: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The two pixels beside each position ``(N, H, W)``, mirrored into 0 … side - 1, and their weights.

    Both ``(N, 2, H, W)``; the mirrored sequence is … 1 0 | 0 1 … side-1 | side-1 ….
    """
    first = position.floor()
    second_weight = position - first
    pixel = torch.stack([first, first + 1], 1).remainder(2 * side)
    pixel = torch.minimum(pixel, 2 * side - 1 - pixel)
    return pixel.long(), torch.stack([1 - second_weight, second_weight], 1)
