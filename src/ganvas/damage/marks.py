"""What handling and age leave on a print or a film: scratches, folds, dust, hairs, stains.

Each kind gives, for every sample, an opacity ``(N, H, W)`` in [0, 1] and a tone ``(N, 3, H, W)`` or ``(N, 3, 1, 1)``
in [-1, 1] that covers the picture to that degree. Widths are in pixels, as a scan has them; lengths follow the
picture's sides.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ganvas.damage.lines import distance_to_lines, distance_to_straight, grid, wandering
from ganvas.damage.texture import smooth_noise
from ganvas.device import sent
from ganvas.draw import Draw

Mark = tuple[Tensor, Tensor]
Size = tuple[int, int]


def hairlines(draw: Draw, size: Size, most: int = 4) -> Mark:
    """Fine scratches in any direction, slightly bent, in places interrupted; bright where emulsion is gone."""
    count = draw.named("count").integers(most)
    opacity = torch.zeros(draw.count, *size, device=draw.device)
    for number in range(most):
        own = draw.named(number)
        line = wandering(own, size, steps=3, step=(0.03, 0.4), turn=0.12)
        width = _between(own.named("width"), 0.4, 2.2, skew=2)
        drawn = _edge(distance_to_lines(line, size), width) * (number <= count)[:, None, None]
        opacity = torch.maximum(opacity, drawn * own.named("strength").uniform(1, 1, low=0.4))
    worn = (1.1 + 0.7 * smooth_noise(draw.named("worn"), size, 6)).clamp_(0, 1)
    return opacity * worn, _tone(draw, bright=0.75)


def film_scratches(draw: Draw, size: Size, most: int = 3) -> Mark:
    """Scratches along a film: nearly upright, over the whole height, of an opacity that comes and goes."""
    count = draw.named("count").integers(most)
    y, x = grid(size, draw.device)
    opacity = torch.zeros(draw.count, *size, device=draw.device)
    for number in range(most):
        own = draw.named(number)
        place = own.named("place").uniform(1, 1) * size[1]
        slope = 0.03 * own.named("slope").normal(1, 1)
        wobble = 0.3 * smooth_noise(own.named("wobble"), (size[0], 1), 24)
        drawn = _edge((x - place - slope * y - wobble).abs(), _between(own.named("width"), 0.4, 1.6))
        along = (0.6 + 0.5 * smooth_noise(own.named("along"), (size[0], 1), 16)).clamp_(0, 1)
        opacity = torch.maximum(opacity, drawn * along * (number <= count)[:, None, None])
    return opacity, _tone(draw, bright=0.6)


def folds(draw: Draw, size: Size) -> Mark:
    """A fold across the print: emulsion cracked off along it, and a slope of light and shade to both sides."""
    side = sent(torch.tensor(size), draw.device)
    angle = draw.named("angle").uniform(high=2 * math.pi)
    off = distance_to_straight(draw.named("centre").uniform(2, low=0.15, high=0.85) * side, angle, size)
    off = off + 0.8 * smooth_noise(draw.named("course"), size, 8)
    width = _between(draw.named("width"), 1.5, 6)
    slope = off / width * (0.5 - (off / width).square() / 2).exp()  # greatest, 1, at the distance of the width
    shade = draw.named("shade").uniform(1, 1, low=0.1, high=0.45)
    ragged = (0.6 + 0.8 * smooth_noise(draw.named("ragged"), size, 3)).clamp_(0, 2.2)
    core = _edge(off.abs(), _between(draw.named("core"), 0.3, 1.6) * ragged) * (ragged > 0)
    opacity = torch.maximum(core * draw.named("strength").uniform(1, 1, low=0.5), slope.abs() * shade)
    paper = _tone(draw, bright=1.0)
    ridge = torch.where(slope > 0, 0.9, -0.9)[:, None].expand(-1, 3, -1, -1)
    return opacity, torch.where((core > 0.5)[:, None], paper, ridge)


def dust(draw: Draw, size: Size) -> Mark:
    """Specks: the rare heights of a smooth field, small ones and a few larger."""
    fine = smooth_noise(draw.named("fine"), size, 3)
    coarse = smooth_noise(draw.named("coarse"), size, 6)
    height = draw.named("rare").uniform(2, low=2.3, high=3.4)[:, :, None, None]
    opacity = torch.maximum((fine - height[:, 0]) * 2.5, (coarse - height[:, 1] + 0.1) * 5).clamp_(0, 1)
    return opacity * draw.named("strength").uniform(1, 1, low=0.5), _tone(draw, bright=0.6)


def hairs(draw: Draw, size: Size, most: int = 2) -> Mark:
    """Hairs and fibres that lay on the scanner's glass: thin, curled, of one opacity."""
    count = draw.named("count").integers(most)
    opacity = torch.zeros(draw.count, *size, device=draw.device)
    for number in range(most):
        own = draw.named(number)
        line = wandering(own, size, steps=9, step=(0.02, 0.07), turn=0.25)
        bend = own.named("bend").normal(1)[:, :, None] * torch.arange(10, device=draw.device)[:, None] * 0.2
        line = _bent(line, bend)
        drawn = _edge(distance_to_lines(line, size), _between(own.named("width"), 0.4, 1.2))
        opacity = torch.maximum(opacity, drawn * (number <= count)[:, None, None])
    return opacity * draw.named("strength").uniform(1, 1, low=0.5), _tone(draw, bright=0.4)


def stains(draw: Draw, size: Size) -> Mark:
    """A dried drop: a brownish blot with a wobbly, darker rim."""
    y, x = grid(size, draw.device)
    centre = draw.named("centre").uniform(2)[:, :, None, None]
    radius = draw.named("radius").uniform(1, 1, low=0.05, high=0.25) * min(size)
    away = torch.sqrt((y - centre[:, 0] * size[0]).square() + (x - centre[:, 1] * size[1]).square()) / radius
    away = away + 0.1 * smooth_noise(draw.named("shape"), size, max(4, min(size) // 8))
    away = away + 0.04 * smooth_noise(draw.named("outline"), size, max(2, min(size) // 24))
    inside = ((1 - away) * 6).clamp(0, 1)
    rim = (-((away - 0.92) * 12).square()).exp()
    strength = draw.named("strength").uniform(1, 1, low=0.1, high=0.45)
    brown = sent(torch.tensor((-0.05, -0.35, -0.7)), draw.device) + 0.3 * draw.named("tint").normal(1)
    return (inside + 0.8 * rim).clamp_(0, 1.6) * strength, brown.clamp(-1, 1)[:, :, None, None]


MARKS: dict[str, Callable[[Draw, Size], Mark]] = {
    "stain": stains,
    "fold": folds,
    "film": film_scratches,
    "hairline": hairlines,
    "dust": dust,
    "hair": hairs,
}
"""In the order of their happening: what lies on the scanner's glass covers what happened to the print."""


def _edge(distance: Tensor, width: Tensor) -> Tensor:
    """How much of a pixel a line of a width covers that runs at a distance: an edge of one pixel, softened."""
    return (width / 2 + 0.5 - distance).clamp(0, 1) * width.clamp(max=1)


def _between(draw: Draw, low: float, high: float, skew: int = 1) -> Tensor:
    """Numbers ``(N, 1, 1)`` whose logarithms are even between two; a skew above 1 prefers the lower ones."""
    return low * (high / low) ** draw.uniform(1, 1) ** skew


def _tone(draw: Draw, bright: float) -> Tensor:
    """Nearly white with the chance ``bright``, else nearly black; a little warm or cold: ``(N, 3, 1, 1)``."""
    away = draw.named("tone").uniform(1, high=0.5)
    light = torch.where(draw.named("bright").uniform(1) < bright, 1 - away, away - 1)
    return (light + 0.06 * draw.named("tint").normal(3)).clamp_(-1, 1)[:, :, None, None]


def _bent(points: Tensor, turn: Tensor) -> Tensor:
    """Lines ``(N, P, 2)`` whose points are turned about the first by angles ``(N, P, 1)``."""
    down, right = (points - points[:, :1]).split(1, 2)
    turned = torch.cat([down * turn.cos() + right * turn.sin(), right * turn.cos() - down * turn.sin()], 2)
    return points[:, :1] + turned
