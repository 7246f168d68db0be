"""PatchMatch: for every patch that touches a hole, one of the picture that does not and looks most alike.

Barnes et al. 2009 (doi:10.1145/1531326.1531330): neighbours in a hole tend to be alike to neighbours elsewhere, so each
asks those beside it what they have found, and tries a few places around its own. Here all ask at once.
"""

import math
from itertools import product
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.apply.masks import depth_px
from ganvas.tensors import Images

RADIUS_PX = 3
"""Of a patch, which is a square of seven pixels."""
BESIDE = ((-1, 0), (0, -1), (1, 0), (0, 1))
TRUST = 1.1
"""A patch counts so much less with each pixel that its middle lies farther from what is known."""
FARTHEST_PX = 64
"""Where that ends."""
SHIFT = 0.06
"""By how much the colours of a patch may be moved, eight levels, so that soft shades go on."""
_AT_ONCE = 2**18


@final
class PatchField:
    """The patches around and in the holes of one picture, and for each the middle of the one found.

    Pixels are numbered along the rows of the picture with a margin of `RADIUS_PX`: a patch has the same steps
    everywhere.

    Args:
        hole: bool ``(H, W)``, true where nothing is known.
        seed: Of the places that are tried.
    """

    def __init__(self, hole: Tensor, seed: int = 0):
        self.hole = hole
        self.width = hole.shape[1] + 2 * RADIUS_PX
        touching = F.max_pool2d(hole[None, None].float(), 2 * RADIUS_PX + 1, 1, RADIUS_PX)[0, 0] > 0
        whole = ~touching
        for edge in (slice(None, RADIUS_PX), slice(-RADIUS_PX, None)):  # patches that reach beyond the picture
            whole[edge], whole[:, edge] = False, False
        self.may = _with_margin(whole).flatten()
        self.asked = _with_margin(touching).flatten().nonzero()[:, 0]
        self.missing = _with_margin(hole).flatten().nonzero()[:, 0]
        self.row_of = torch.full_like(self.may, -1, dtype=torch.int32)
        self.row_of[self.asked] = torch.arange(len(self.asked), dtype=torch.int32, device=hole.device)
        depth = _with_margin(torch.from_numpy(depth_px(hole.cpu().numpy())).to(hole.device)).flatten()[self.asked]
        self.trust = torch.exp(depth.clamp(max=FARTHEST_PX) * -math.log(TRUST))
        side = range(-RADIUS_PX, RADIUS_PX + 1)
        self.steps = [row * self.width + column for row, column in product(side, repeat=2)]
        self._draw = torch.Generator().manual_seed(seed)
        self.found = self._anywhere(len(self.asked)) if self.may.any() else self.asked.clone()

    def start_at(self, coarser: "PatchField") -> None:
        """Begin with what was found in the same picture at half the size."""
        row, column = self.asked // self.width - RADIUS_PX, self.asked % self.width - RADIUS_PX
        number = (row // 2 + RADIUS_PX) * coarser.width + column // 2 + RADIUS_PX
        known = coarser.row_of[number].long()
        there = coarser.found[known.clamp(min=0)]
        found_row = (there // coarser.width - RADIUS_PX) * 2 + row % 2
        found_column = (there % coarser.width - RADIUS_PX) * 2 + column % 2
        found = ((found_row + RADIUS_PX) * self.width + found_column + RADIUS_PX).clamp(max=len(self.may) - 1)
        good = (known >= 0) & self.may[found]
        self.found = torch.where(good, found, self.found)

    def search(self, picture: Images, *, jumps_px: tuple[int, ...], far_px: int) -> Tensor:
        """Improve what was found.

        Args:
            picture: ``(C, H, W)``, with something in its holes.
            jumps_px: How far away those are that each patch asks.
            far_px: How far away each tries a place; then half as far, down to a pixel.

        Returns:
            The squared differences of the patches and of those found, summed, ``(asked,)``.
        """
        colours = _Colours(picture)
        costs = self._costs(colours, self.asked, self.found)
        for jump in jumps_px:
            for row, column in BESIDE:
                step = jump * (row * self.width + column)
                other = self.row_of[(self.asked + step).clamp(0, len(self.row_of) - 1)].long()
                rows = (other >= 0).nonzero()[:, 0]
                self._try_(colours, costs, rows, self.found[other[rows]] - step)
        everyone = torch.arange(len(self.asked), device=self.asked.device)
        while far_px >= 1:
            off = ((2 * torch.rand((2, len(self.asked)), generator=self._draw) - 1) * far_px).round().long()
            self._try_(colours, costs, everyone, self.found + (off[0] * self.width + off[1]).to(self.found.device))
            far_px //= 2
        return costs

    def voted(self, picture: Images, costs: Tensor, sharpness: float) -> Images:
        """The picture, its holes painted anew: each pixel is the mean of what all patches over it have found.

        Args:
            picture: ``(C, H, W)``.
            costs: From `search`.
            sharpness: How much more the better ones count; 0 is not at all.
        """
        colours = _Colours(picture)
        moved = colours.shift(self.asked, self.found)
        usual = costs[:: 1 + len(costs) // 2**16].quantile(0.75).clamp(min=1e-6)
        weights = torch.exp(-costs * sharpness / (2 * usual)).clamp(min=1e-6) * self.trust
        total = torch.zeros((len(self.missing), moved.shape[1] + 1), device=moved.device)
        for step in self.steps:
            rows = self.row_of[self.missing - step].long()
            weight = (weights[rows.clamp(min=0)] * (rows >= 0))[:, None]
            rows = rows.clamp(min=0)
            total[:, :-1].addcmul_(colours.all[self.found[rows] + step] + moved[rows], weight)
            total[:, -1:].add_(weight)
        painted = picture.clone()
        painted[:, self.hole] = (total[:, :-1] / total[:, -1:]).T
        return painted

    def _try_(self, colours: "_Colours", costs: Tensor, rows: Tensor, places: Tensor) -> None:
        """Take the places that are better."""
        good = (places >= 0) & (places < len(self.may)) & (places != self.found[rows])
        good &= self.may[places.clamp(0, len(self.may) - 1)]
        rows, places = rows[good], places[good]
        new = self._costs(colours, self.asked[rows], places)
        better = new < costs[rows]
        self.found[rows[better]] = places[better]
        costs[rows[better]] = new[better]

    def _costs(self, colours: "_Colours", ours: Tensor, theirs: Tensor) -> Tensor:
        costs = torch.zeros(len(ours), device=ours.device)
        for mine, other, cost in zip(*(x.split(_AT_ONCE) for x in (ours, theirs, costs)), strict=True):
            moved = colours.shift(mine, other)
            for step in self.steps:
                cost += (colours.all[mine + step] - colours.all[other + step] - moved).square_().sum(1)
        return costs

    def _anywhere(self, count: int) -> Tensor:
        places = self.may.nonzero()[:, 0]
        return places[torch.randint(len(places), (count,), generator=self._draw).to(places.device)]


def _with_margin(plane: Tensor) -> Tensor:
    return F.pad(plane, (RADIUS_PX,) * 4)


@final
class _Colours:
    """Those of all pixels of ``(C, H, W)``, with the margin that repeats the edge: ``(pixels, C)``; and their means."""

    def __init__(self, picture: Images):
        wide = F.pad(picture[None], (2 * RADIUS_PX,) * 4, mode="replicate")
        means = F.avg_pool2d(wide, 2 * RADIUS_PX + 1, 1)
        self.all = wide[0, :, RADIUS_PX:-RADIUS_PX, RADIUS_PX:-RADIUS_PX].flatten(1).T.contiguous()
        self.mean = means[0].flatten(1).T.contiguous()

    def shift(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """What is added to the colours of patches that take the place of others, ``(patches, C)``."""
        return (self.mean[ours] - self.mean[theirs]).clamp(-SHIFT, SHIFT)
