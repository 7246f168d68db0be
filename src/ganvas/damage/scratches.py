"""What scanned prints and films carry: scratches, hairs, folds, dust and stains, and where."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.damage.strokes import distance_px, draw_paths
from ganvas.draw import Draw
from ganvas.tensors import Images

STROKES, BENDS = 4, 4
VISIBLE = 0.06
"""Opacity below which nothing is painted: what the mask leaves out is untouched, what it has can be seen."""
WHOLE_SHARE = 0.1
"""Part of the pictures without any damage."""
KINDS = ("hairline", "film scratch", "fold", "hair")
SHARES = (0.4, 0.2, 0.15, 0.25)
BRIGHT_SHARE = (0.75, 0.75, 0.7, 0.15)
"""How often each kind is brighter than the picture: emulsion is gone, or dirt lies on it."""


def scratched(clean: Images, draw: Draw) -> tuple[Images, Tensor]:
    """Damage pictures, each with a few lines, dust and now and then a stain.

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1].
        draw: Decides everything.

    Returns:
        The damaged pictures, and the mask ``(N, 1, H, W)``: 1 where they were painted over, 0 where untouched.
    """
    size = (clean.shape[2], clean.shape[3])
    lines, paint = _lines(draw.named("lines"), size, clean)
    dust, speck = _dust(draw.named("dust"), size, clean)
    stain, tint = _stain(draw.named("stain"), size, clean)
    damaged = clean.float()
    hidden = torch.zeros_like(lines)
    whole = draw.named("whole").uniform(1, 1, 1) < WHOLE_SHARE
    for opacity, colour in ((stain, tint), (dust, speck), (lines, paint)):
        opacity = torch.where(whole, 0.0, ((opacity - VISIBLE) / (1 - VISIBLE)).clamp(0, 1))
        damaged = damaged + opacity * (colour - damaged)
        hidden = torch.maximum(hidden, opacity)
    mask = hidden > 0
    return torch.where(mask, damaged.clamp(-1, 1), clean), mask.float()


def _lines(draw: Draw, size: tuple[int, int], like: Images) -> tuple[Tensor, Tensor]:
    """Opacity ``(N, 1, H, W)`` and paint ``(N, 1, H, W)`` of a few lines, each of a kind drawn by lot."""
    kind = _kinds(draw.named("kind").uniform(STROKES))
    lot = draw.named("lot").uniform(STROKES, 4)
    film, fold, hair = (kind == KINDS.index(name) for name in ("film scratch", "fold", "hair"))
    length = torch.where(film | fold, 3.0, 0.1 + 0.9 * lot[..., 0])
    curl = torch.where(film, 0.004, torch.where(fold, 0.1, torch.where(hair, 0.9, 0.15)))
    points = draw_paths(draw.named("paths"), STROKES, BENDS, length, curl)
    points = torch.where(film[..., None, None], _upright(points), points)
    radius = torch.where(fold, 0.5 + 1.5 * lot[..., 1], 0.3 + 1.0 * lot[..., 1])[..., None, None]
    distance = distance_px(points, size)
    opacity = ((radius + 0.7 - distance) / 1.2).clamp(0, 1)  # soft over the pixel at the edge
    opacity = opacity * (0.35 + 0.65 * lot[..., 2])[..., None, None] * _uneven(draw, size)
    absent = draw.named("absent").uniform(STROKES, 1, 1) < 0.45
    opacity = torch.where(absent, 0.0, opacity)
    bright = draw.named("bright").uniform(STROKES) < torch.tensor(BRIGHT_SHARE, device=kind.device)[kind]
    shade = torch.where(bright, 0.5 + 0.5 * lot[..., 3], -0.4 - 0.6 * lot[..., 3])[..., None, None]
    ridge = fold[..., None, None] & (distance > radius)  # paper rises beside a fold: one edge catches the light
    shade = torch.where(ridge, -0.5 * shade, shade.expand_as(distance))
    strongest = opacity.argmax(1, keepdim=True)
    return opacity.gather(1, strongest), shade.gather(1, strongest)


def _upright(points: Tensor) -> Tensor:
    """The same lines from top to bottom, as dirt in a projector draws them: rows and columns aligned to the film."""
    along = torch.linspace(-0.2, 1.2, points.shape[2], device=points.device)
    wobble = 0.01 * (points[..., 1] - points[..., 1].mean(2, keepdim=True))
    place = points[..., :1, 1] - points[..., :1, 1].floor()  # back into the picture
    return torch.stack([along.expand(points.shape[:-1]), place + wobble], 3)


def _uneven(draw: Draw, size: tuple[int, int]) -> Tensor:
    """Opacity that comes and goes along a line, ``(N, S, H, W)`` from 0 to 1."""
    cells = draw.named("uneven").uniform(STROKES, 5, 5, low=0.2, high=1.6)
    return F.interpolate(cells, size=size, mode="bilinear", align_corners=False).clamp_(0, 1)


def _dust(draw: Draw, size: tuple[int, int], like: Images) -> tuple[Tensor, Tensor]:
    """Specks of a size, number and colour of each picture's own."""
    number, radius, shade = (draw.named(name).uniform(1, 1, 1) for name in ("number", "radius", "shade"))
    density = torch.where(number < 0.4, 0.0, 0.003 * number**3)
    seeds = (draw.named("seeds").uniform(1, *size) < density).float()
    seeds = seeds * draw.named("opacity").uniform(1, *size, low=0.4, high=1.4)
    wide = F.max_pool2d(seeds, 3, 1, 1)
    grown = torch.where(radius < 0.4, seeds, torch.where(radius < 0.8, wide, F.max_pool2d(wide, 3, 1, 1)))
    soft = F.avg_pool2d(F.pad(grown, (1, 1, 1, 1), mode="replicate"), 3, 1)
    bright = draw.named("bright").uniform(1, 1, 1) < 0.6
    colour = torch.where(bright, 0.5 + 0.5 * shade, -1 + 0.5 * shade)
    return soft.clamp(0, 1), colour.expand_as(soft)


def _stain(draw: Draw, size: tuple[int, int], like: Images) -> tuple[Tensor, Tensor]:
    """A brown or pale blot with an uneven edge, in one picture of five."""
    cells = draw.named("cells").normal(1, 4, 4)
    land = F.interpolate(cells, size=size, mode="bicubic", align_corners=False)
    edge = draw.named("edge").uniform(1, 1, 1, low=2.0, high=12.0)
    depth = draw.named("depth").uniform(1, 1, 1, low=0.15, high=0.6)
    opacity = depth * torch.sigmoid(edge * (land - 1.2))
    opacity = torch.where(draw.named("absent").uniform(1, 1, 1) < 0.8, 0.0, opacity)
    brown = like.new_tensor([0.1, -0.15, -0.5]).view(1, 3, 1, 1)
    pale = draw.named("pale").uniform(1, 1, 1) < 0.3
    colour = torch.where(pale, 0.7, brown + draw.named("shade").uniform(3, 1, 1, low=-0.3, high=0.3))
    return opacity, colour


def _kinds(lot: Tensor) -> Tensor:
    edges = torch.tensor(SHARES, device=lot.device).cumsum(0)[:-1].contiguous()
    return torch.bucketize(lot, edges, right=True)
