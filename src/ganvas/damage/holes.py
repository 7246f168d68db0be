"""Holes to be painted: strokes thin and thick, boxes and blobs, drawn for every sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.damage.strokes import distance_px, draw_paths
from ganvas.draw import Draw

STROKES, BENDS, BOXES = 3, 4, 3
KINDS = ("thin", "thick", "boxes", "blob")


@dataclass(frozen=True)
class HoleRanges:
    """How large holes are.

    Attributes:
        area: Least and largest part of a picture that is missing.
        thin_px: Half the width of a thin stroke, pixels.
        thick: Half the width of a thick stroke, as part of the shorter side.
        length: Of a stroke, as part of the side.
        box: Sides of a box, as parts of the sides.
        blob_cells: Cells across the noise a blob is cut from: more make more and smaller islands.
        shares: How often each of `KINDS` is drawn.
    """

    area: tuple[float, float] = (0.01, 0.4)
    thin_px: tuple[float, float] = (0.8, 4.0)
    thick: tuple[float, float] = (0.04, 0.12)
    length: tuple[float, float] = (0.3, 1.2)
    box: tuple[float, float] = (0.1, 0.45)
    blob_cells: int = 6
    shares: tuple[float, float, float, float] = (0.35, 0.3, 0.15, 0.2)


HOLES = HoleRanges()


def draw_holes(draw: Draw, size: tuple[int, int], ranges: HoleRanges = HOLES) -> Tensor:
    """One mask a sample: which of four kinds of hole it has is drawn by lot.

    Each kind is a landscape that is low where the hole is; the water stands at 0, or where the area is in its range.

    Args:
        draw: Decides everything.
        size: Height and width, pixels.
        ranges: How large the holes are.

    Returns:
        ``(N, 1, H, W)``, float32: 1 = missing. A picture's missing part lies in ``ranges.area``, but for the pixels
        that are level with the one at its edge.
    """
    kind = _chosen(draw.named("kind").uniform(), ranges.shares)
    land = torch.stack(
        [_strokes(draw, size, kind == 1, ranges), _boxes(draw, size, ranges), _blobs(draw, size, ranges)]
    )
    picked = (kind - 1).clamp(min=0)  # thin and thick strokes are one landscape
    land = land[picked, torch.arange(len(kind), device=kind.device)]
    sorted_land = land.flatten(1).sort(1).values
    least, most = (min(int(part * land[0].numel()), land[0].numel() - 1) for part in ranges.area)
    lowest, highest = sorted_land[:, least], sorted_land[:, most]
    level = torch.zeros_like(lowest).clamp(lowest, highest).view(-1, 1, 1)
    return (land < level).float().unsqueeze(1)


def _chosen(lot: Tensor, shares: Sequence[float]) -> Tensor:
    """Which share each lot from 0 to 1 falls in."""
    edges = torch.tensor(shares, device=lot.device).cumsum(0)
    return torch.bucketize(lot * edges[-1], edges[:-1].contiguous(), right=True)


def _strokes(draw: Draw, size: tuple[int, int], thick: Tensor, ranges: HoleRanges) -> Tensor:
    own = draw.named("strokes")
    low, high = ranges.length
    length = own.named("length").uniform(STROKES, low=low, high=high)
    points = draw_paths(own, STROKES, BENDS, length, torch.full_like(length, 1.2))
    lot = own.named("radius").uniform(STROKES)
    thin_px, thick_px = ranges.thin_px, tuple(part * min(size) for part in ranges.thick)
    radius = torch.where(thick[:, None], _between(lot, *thick_px), _between(lot, *thin_px))
    absent = own.named("absent").uniform(STROKES) < 0.4
    absent[:, 0] = False
    radius = torch.where(absent, -float(max(size)), radius)
    return (distance_px(points, size) - radius[..., None, None]).amin(1)


def _boxes(draw: Draw, size: tuple[int, int], ranges: HoleRanges) -> Tensor:
    own = draw.named("boxes")
    centre = own.named("centre").uniform(BOXES, 2)
    half = own.named("half").uniform(BOXES, 2, low=ranges.box[0], high=ranges.box[1]) / 2
    absent = own.named("absent").uniform(BOXES, 1) < 0.5
    absent[:, 0] = False
    half = torch.where(absent, -1.0, half)
    beyond = []
    for axis, side in enumerate(size):
        line = (torch.arange(side, device=centre.device) + 0.5).view(1, 1, -1)
        beyond.append((line - centre[:, :, axis, None] * side).abs() - half[:, :, axis, None] * side)
    return torch.maximum(beyond[0][..., None], beyond[1][:, :, None]).amin(1)


def _blobs(draw: Draw, size: tuple[int, int], ranges: HoleRanges) -> Tensor:
    own = draw.named("blobs")
    cells = own.named("cells").normal(1, ranges.blob_cells, ranges.blob_cells)
    land = F.interpolate(cells, size=size, mode="bicubic", align_corners=False)[:, 0]
    # Of the normal distribution, the part that lies below the water.
    part = own.named("part").uniform(1, 1, low=ranges.area[0], high=ranges.area[1])
    level: Tensor = torch.special.ndtri(part)
    return land - level


def _between(lot: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * lot
