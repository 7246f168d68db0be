"""A first guess at what holes hide, however large: what surrounds them, stretched over them like a skin."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.masks import hidden
from ganvas.apply.planes import colour_planes
from ganvas.apply.tiles import Span
from ganvas.tensors import Images

CELL_PX = 8
"""Side of the cells that are guessed; between their middles lie straight lines."""
SWEEPS = 8
"""Of relaxation at every scale."""
_ROWS_AT_ONCE = 32
"""Of cells, when they are gathered from a photograph."""


@dataclass(frozen=True)
class Guess:
    """Colours of all cells of a picture, stretched over it; `guessed` and `guessed_of` make one.

    Attributes:
        cells: ``(N, C, h, w)``.
        size: Height and width of the picture, pixels.
    """

    cells: Tensor
    size: tuple[int, int]

    def window(self, rows: Span, columns: Span) -> Images:
        """What two spans read, ``(N, C, rows, columns)``, its last row and column repeated beyond the picture."""
        spread = self.cells
        for dim, span, side in ((2, rows, self.size[0]), (3, columns, self.size[1])):
            at = torch.arange(span.read_from, span.read_to, device=spread.device).clamp(max=side - 1)
            spread = _stretched(spread, dim, at, CELL_PX)
        return spread


def guessed(picture: Images, mask: Tensor) -> Images:
    """Pictures with their holes guessed.

    Args:
        picture: ``(N, 3, H, W)``; what it holds where the mask is 1 is of no matter.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.

    Returns:
        ``(N, 3, H, W)``: as given where the mask is 0, a membrane over the holes, 0 in pictures without a known pixel.
    """
    known = 1 - mask
    height, width = picture.shape[2:]
    guess = Guess(_membrane(*_pooled(picture * known, known, CELL_PX)), (height, width))
    whole = guess.window(Span(0, height, 0, height), Span(0, width, 0, width))
    return torch.where(mask.bool(), whole, picture)


def guessed_of(pixels: np.ndarray, mask: np.ndarray) -> Guess:
    """The guess of a photograph's holes, and of what is fully transparent in it.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``.
        mask: bool ``(H, W)``.
    """
    sums, shares = [], []
    for top in range(0, len(pixels), _ROWS_AT_ONCE * CELL_PX):
        part = slice(top, top + _ROWS_AT_ONCE * CELL_PX)
        hole = hidden(mask[part], pixels[part])
        known = torch.from_numpy(1 - hole.astype(np.float32))[None, None]
        colours, share = _pooled(colour_planes(pixels[part]) * known, known, CELL_PX)
        sums.append(colours)
        shares.append(share)
    return Guess(_membrane(torch.cat(sums, 2), torch.cat(shares, 2)), (pixels.shape[0], pixels.shape[1]))


def _membrane(sums: Tensor, shares: Tensor) -> Tensor:
    """Means where a share is known; elsewhere Laplace's equation, solved from the coarsest scale to the finest.

    A cascade of halved pictures: each takes what the next coarser one found, and relaxes. Linear shades go on as
    they are, plain colours stay plain.
    """
    given = shares > 0
    values = sums / shares.clamp(min=1e-6)
    if shares.shape[2:] == (1, 1) or bool(given.all()):
        return values
    coarse = _membrane(*_pooled(sums, shares, 2))
    for dim in (2, 3):
        coarse = _stretched(coarse, dim, torch.arange(sums.shape[dim], device=sums.device), 2)
    values = torch.where(given, values, coarse)
    for _ in range(SWEEPS):
        wide = F.pad(values, (1, 1, 1, 1), mode="replicate")
        across = wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
        values = torch.where(given, values, (across + wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1]) / 4)
    return values


def _pooled(sums: Tensor, shares: Tensor, cell_px: int) -> tuple[Tensor, Tensor]:
    """Means over cells; those at the end of a side may be cut short."""
    both = F.avg_pool2d(torch.cat([sums, shares], 1), cell_px, ceil_mode=True)
    return both[:, :-1], both[:, -1:]


def _stretched(cells: Tensor, dim: int, at: Tensor, cell_px: int) -> Tensor:
    """Between the middles of cells, at pixels ``at`` along a dimension; beyond the last middle it stays."""
    last = cells.shape[dim] - 1
    place = ((at + 0.5) / cell_px - 0.5).clamp(0, last)
    before = place.floor().long()
    part = (place - before).to(cells).view([-1 if axis == dim else 1 for axis in range(4)])
    after = (before + 1).clamp(max=last)
    return torch.lerp(cells.index_select(dim, before), cells.index_select(dim, after), part)
