"""Large holes filled with patches of the picture, so that wherever one looks it looks like somewhere else in it.

Wexler, Shechtman and Irani 2007 (doi:10.1109/TPAMI.2007.60), with PatchMatch in the place of their search: at every
scale, from a few pixels' depth to the finest, patches of the picture are found for all that touch a hole, and every
pixel of the hole becomes the mean of what they say; again and again, until they agree.
"""

from collections.abc import Callable, Sequence
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.guess import guessed
from ganvas.apply.masks import depth_px
from ganvas.apply.patchmatch import PatchField
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
"""A larger picture is filled at half the size or less, so that memory stays bounded; its holes are soft."""


def completed(picture: Images, hole: Tensor, tick: Callable[[float], None] = lambda share: None) -> Images | None:
    """Fill the holes of a picture.

    Args:
        picture: ``(C, H, W)``; what it holds in the holes is of no matter.
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
    known, missing = scales.pop()
    too_large = [scale for scale in scales if scale[1].numel() > MOST_PX]
    scales = scales[len(too_large) :][::-1]
    turns = _Turns([missing, *(finer for _, finer in scales)], tick)
    painted = guessed(known[None], missing[None, None].to(known))[0]
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
    for known, missing in too_large[::-1]:
        painted = _within(known, missing, painted)
    return painted


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
    """Means of what is known of each four pixels, and where nothing is."""
    known = (~hole)[None].to(picture)
    both = F.avg_pool2d(torch.cat([picture * known, known])[None], 2, ceil_mode=True)[0]
    return both[:-1] / both[-1:].clamp(min=0.25), both[-1] == 0


def _doubled(picture: Images) -> Images:
    return F.interpolate(picture[None], scale_factor=2, mode="bilinear")[0]
