"""Holes to fill: strokes thin and thick, boxes, irregular blobs.

Every hole is the part of a field that lies below a threshold: the distance to strokes, say. The threshold is the
quantile of the area that was drawn, so a mask covers exactly what it is meant to, whatever the strokes' course.
Free-form strokes after Yu et al. 2019 (arXiv:1806.03589, appendix A); thin, medium and thick masks after Suvorov et
al. 2022 (arXiv:2109.07161, section 3.3).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganvas.damage.lines import distance_to_lines, grid, wandering
from ganvas.damage.texture import smooth_noise
from ganvas.device import sent
from ganvas.draw import Draw

Field = Callable[[Draw, tuple[int, int]], Tensor]


@dataclass(frozen=True)
class HoleKind:
    """One kind of holes.

    Attributes:
        field: Gives fields ``(N, H, W)``; the hole is where they are least.
        share: How many of all masks are of this kind.
        area: Least and greatest area, as a share of the picture.
    """

    field: Field
    share: float
    area: tuple[float, float]


def draw_holes(draw: Draw, size: tuple[int, int]) -> Tensor:
    """Masks of one hole or several.

    Args:
        draw: Where the numbers come from.
        size: Height and width.

    Returns:
        Float ``(N, 1, H, W)`` on the draw's device: 1 where the picture is missing, else 0; from 2 to 40 % are.
    """
    known = replace(draw, device="cpu")  # known here, so that only what is drawn is computed
    chance, area = known.named("kind").uniform(), known.named("area").uniform()
    masks = torch.zeros(draw.count, *size, device=draw.device)
    least = 0.0
    for name, kind in HOLES.items():
        rows = ((least <= chance) & (chance < least + kind.share)).nonzero()[:, 0]
        least += kind.share
        if len(rows):
            low, high = kind.area
            field = kind.field(draw.named(name).picked(rows), size)
            lowest = _lowest(field, low + (high - low) * area[rows])
            masks[sent(rows, draw.device)] = lowest
    return masks[:, None]


def _lowest(fields: Tensor, areas: Tensor) -> Tensor:
    """Where fields ``(N, H, W)`` are among their lowest shares ``(N,)``, as numbers 0 and 1."""
    last = sent((areas * fields[0].numel()).round().long().clamp(min=1), fields.device) - 1
    values = fields.flatten(1).sort(1).values.gather(1, last[:, None])
    return (fields <= values[:, :, None]).to(fields.dtype)


def _strokes(draw: Draw, size: tuple[int, int], most: int, steps: int, step: tuple[float, float]) -> Tensor:
    """Distance to up to so many strokes, in units of their widths."""
    count = draw.named("strokes").integers(most)
    nearest = torch.full((draw.count, *size), torch.inf, device=draw.device)
    for number in range(most):
        own = draw.named("stroke", number)
        width = own.named("width").uniform(low=0.6, high=1.4)
        far = distance_to_lines(wandering(own, size, steps, step, turn=0.5), size) / width[:, None, None]
        nearest = torch.minimum(nearest, far.masked_fill_((number > count)[:, None, None], torch.inf))
    return nearest


def _thin(draw: Draw, size: tuple[int, int]) -> Tensor:
    return _strokes(draw, size, most=5, steps=6, step=(0.05, 0.25))


def _thick(draw: Draw, size: tuple[int, int]) -> Tensor:
    wobble = 1 + 0.12 * smooth_noise(draw.named("wobble"), size, max(2, min(size) // 12))
    return _strokes(draw, size, most=2, steps=5, step=(0.06, 0.25)) * wobble


def _boxes(draw: Draw, size: tuple[int, int], most: int = 3) -> Tensor:
    y, x = grid(size, draw.device)
    count = draw.named("boxes").integers(most)
    nearest = torch.full((draw.count, *size), torch.inf, device=draw.device)
    for number in range(most):
        own = draw.named("box", number)
        centre = own.named("centre").uniform(2, low=0.1, high=0.9) * sent(torch.tensor(size), draw.device)
        side = own.named("sides").uniform(2, low=0.3, high=1.0)[:, :, None, None]
        off_y, off_x = (y - centre[:, :1, None]).abs() / side[:, 0], (x - centre[:, 1:, None]).abs() / side[:, 1]
        far = torch.maximum(off_y, off_x).masked_fill_((number > count)[:, None, None], torch.inf)
        nearest = torch.minimum(nearest, far)
    return nearest


def _blobs(draw: Draw, size: tuple[int, int]) -> Tensor:
    coarse = smooth_noise(draw.named("coarse"), size, max(2, min(size) // 4))
    return coarse + 0.35 * smooth_noise(draw.named("fine"), size, max(2, min(size) // 16))


HOLES = {
    "thin": HoleKind(_thin, share=0.35, area=(0.02, 0.12)),
    "thick": HoleKind(_thick, share=0.35, area=(0.05, 0.40)),
    "box": HoleKind(_boxes, share=0.1, area=(0.03, 0.35)),
    "blob": HoleKind(_blobs, share=0.2, area=(0.02, 0.40)),
}
