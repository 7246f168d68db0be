"""Large holes filled with patches of the picture, so that wherever one looks it looks like somewhere else in it.

Wexler, Shechtman and Irani 2007 (doi:10.1109/TPAMI.2007.60), with PatchMatch in the place of their search: at every
scale, from a few pixels' depth to the finest, patches of the picture are found for all that touch a hole, and every
pixel of the hole becomes the mean of what they say; again and again, until they agree.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.masks import depth_px
from ganvas.apply.patchmatch import PatchField
from ganvas.apply.planes import colour_planes
from ganvas.tensors import Images

COARSEST_PX = 10
"""No hole is deeper at the first scale."""
SETTLING = 4
"""Times that all is looked for anew at the first scale, before anything is painted."""
VOTES = 20
"""At the first scale; at each finer one half as many, but no fewer than `FEWEST_VOTES`."""
FEWEST_VOTES = 4
NEAR_PX = 16
"""How far from what a coarser scale has found a finer one looks on."""
FAR_JUMPS_PX = 8, 4, 1
NEAR_JUMPS_PX = (1,)
"""How far away those are that a patch asks, at the first scale and at finer ones."""
LAST = 8.0
"""Sharpness of the last votes of a scale; of the others it is 1."""
MOST_PX = 2**23
"""A larger photograph is filled at half the size or less, so that float copies and the search take no more memory than
this many pixels need; its holes are soft."""
_ROWS_AT_ONCE = 128
"""Of a photograph, when it is brought to that size and back; a multiple of all cells."""


def completed(picture: Images, hole: Tensor, tick: Callable[[float], None] = lambda share: None) -> Images | None:
    """Fill the holes of a picture.

    Args:
        picture: ``(C, H, W)``; what it holds in the holes is where the search begins, at the first scale.
        hole: bool ``(H, W)``.
        tick: Told how much of the work is done, 0 to 1.

    Returns:
        ``(C, H, W)``, the same every time; None where no patch of the picture is whole.
    """
    scales = [(picture, hole)]
    while depth_px(scales[-1][1].cpu().numpy()).max(initial=0) > COARSEST_PX:
        scales.append(_halved(*scales[-1]))
    while scales and not (field := PatchField(scales[-1][1])).may.any():
        del scales[-1]
    if not scales:
        return None
    painted, missing = scales.pop()
    scales.reverse()
    turns = _Turns([missing, *(finer for _, finer in scales)], tick)
    everywhere = max(missing.shape)
    for _ in range(SETTLING):
        field.search(painted, jumps_px=FAR_JUMPS_PX, far_px=everywhere)
    painted = turns.agreed(field, painted, FAR_JUMPS_PX, everywhere)
    for known, missing in scales:
        painted = _within(known, missing, painted)
        coarser, field = field, PatchField(missing)
        field.start_at(coarser)
        painted = field.voted(painted, torch.zeros(len(field.asked), device=known.device), 0.0)
        painted = turns.agreed(field, painted, NEAR_JUMPS_PX, NEAR_PX)
    return painted


def completed_of(
    pixels: np.ndarray,
    hole: np.ndarray,
    wanted: np.ndarray,
    device: torch.device,
    tick: Callable[[float], None] = lambda share: None,
) -> Iterator[tuple[slice, Images]]:
    """Fill the holes of a photograph, of any size.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``; what it holds in the holes is where the search begins.
        hole: bool ``(H, W)``.
        wanted: bool ``(H, W)``; rows without any are not made.
        device: Where patches are looked for.
        tick: As of `completed`.

    Yields:
        Rows, and their colours in [-1, 1], float32 ``(3, rows, W)`` on the CPU; nothing where no patch is whole, at the
        size at which holes are filled.
    """
    halvings = _halvings(hole.shape)
    parts = [_scales(pixels[rows], hole[rows], halvings)[-1] for rows in _blocks(len(hole))]
    known, missing = torch.cat([part for part, _ in parts], 1), torch.cat([part for _, part in parts])
    del parts
    painted = completed(known.to(device), missing.to(device), tick)
    del known, missing
    if painted is None:
        return
    painted, cell = painted.cpu(), 2**halvings
    for rows in _blocks(len(hole)):
        if not wanted[rows].any():
            continue
        wide = slice(max(rows.start - cell, 0), rows.stop + cell)  # what lies between cells needs those beside it
        shown = painted[:, wide.start // cell : -(-wide.stop // cell)]
        for known, missing in _scales(pixels[wide], hole[wide], halvings)[-2::-1]:
            shown = _within(known, missing, shown)
        top = rows.start - wide.start
        yield rows, shown[:, top : top + rows.stop - rows.start]


def _halvings(size: tuple[int, ...]) -> int:
    """How many times a height and a width are halved so that no more than `MOST_PX` are left."""
    count = 0
    while math.prod(size) > MOST_PX:
        size, count = tuple(-(-side // 2) for side in size), count + 1
    return count


def _blocks(height: int) -> Iterator[slice]:
    return (slice(top, min(top + _ROWS_AT_ONCE, height)) for top in range(0, height, _ROWS_AT_ONCE))


def _scales(pixels: np.ndarray, hole: np.ndarray, halvings: int) -> list[tuple[Images, Tensor]]:
    """Some rows of a photograph and of its holes, at the full size and at each half."""
    scales = [(colour_planes(pixels)[0], torch.from_numpy(hole))]
    for _ in range(halvings):
        scales.append(_halved(*scales[-1]))
    return scales


@final
class _Turns:
    """Searches and votes in turns, scale after scale; a turn counts as much as it has pixels to fill."""

    def __init__(self, holes: Sequence[Tensor], tick: Callable[[float], None]):
        self._counts = [max(VOTES >> finer, FEWEST_VOTES) for finer in range(len(holes))]
        self._total = sum(count * int(hole.sum()) for count, hole in zip(self._counts, holes, strict=True)) or 1
        self._done, self._tick = 0, tick

    def agreed(self, field: PatchField, painted: Images, jumps_px: tuple[int, ...], far_px: int) -> Images:
        """All turns of the next scale."""
        for left in reversed(range(self._counts.pop(0))):
            costs = field.search(painted, jumps_px=jumps_px, far_px=far_px)
            painted = field.voted(painted, costs, 1.0 if left else LAST)
            self._done += len(field.missing)
            self._tick(self._done / self._total)
        return painted


def _within(known: Images, missing: Tensor, coarser: Images) -> Images:
    """A picture whose holes show what was painted at half its size."""
    return torch.where(missing, _doubled(coarser)[:, : missing.shape[0], : missing.shape[1]], known)


def _halved(picture: Images, hole: Tensor) -> tuple[Images, Tensor]:
    """Means of what is known of each four pixels, of all four where nothing is, and where that is."""
    known = (~hole)[None].to(picture)
    planes = torch.cat([picture, picture * known, known])[None]
    means, sums, share = F.avg_pool2d(planes, 2, ceil_mode=True)[0].split([len(picture), len(picture), 1])
    return torch.where(share > 0, sums / share.clamp(min=0.25), means), share[0] == 0


def _doubled(picture: Images) -> Images:
    return F.interpolate(picture[None], scale_factor=2, mode="bilinear")[0]
