"""Scratched photographs: what to find, and where it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ganvas.damage.marks import MARKS
from ganvas.draw import Draw
from ganvas.tensors import Images

VISIBLE_LEVELS = 6
"""A change of more 8-bit levels than these in any channel belongs to the mask. A network that must find fainter ones
marks what is not there."""
CHANCES = MappingProxyType({"stain": 0.12, "fold": 0.25, "film": 0.2, "hairline": 0.5, "dust": 0.45, "hair": 0.2})


@dataclass(frozen=True)
class ScratchRanges:
    """How often which marks are drawn.

    Attributes:
        untouched: Chance of a photograph without any.
        chances: Chance of each kind of `MARKS` on the others, independent of each other.
    """

    untouched: float = 0.25
    chances: Mapping[str, float] = field(default_factory=lambda: CHANCES)


DEFAULT = ScratchRanges()


def scratched(clean: Images, draw: Draw, ranges: ScratchRanges = DEFAULT) -> tuple[Images, Tensor]:
    """Photographs with the marks of handling and age.

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1].
        draw: Where the numbers come from; N rows.
        ranges: How often which marks are drawn.

    Returns:
        Damaged pictures of the same shape, in [-1, 1], and the mask ``(N, 1, H, W)``: 1 where a picture changed by
        more than `VISIBLE_LEVELS`, and at the eight neighbours; else 0. Unmarked rows equal the clean ones.
    """
    damaged = clean.clone()
    touched = replace(draw, device="cpu").named("touched").uniform() >= ranges.untouched
    for name, mark in MARKS.items():
        chosen = replace(draw, device="cpu").named("chosen", name).uniform() < ranges.chances.get(name, 0.0)
        rows = (chosen & touched).nonzero()[:, 0]
        if len(rows):
            opacity, tone = mark(draw.named(name).picked(rows), (clean.shape[2], clean.shape[3]))
            there = rows.to(clean.device)
            damaged[there] = torch.lerp(damaged[there], tone.expand(-1, -1, *clean.shape[2:]), opacity[:, None])
    changed = (damaged - clean).abs().amax(1, keepdim=True) > VISIBLE_LEVELS / 127.5
    return damaged, max_pool2d(changed.to(clean.dtype), 3, stride=1, padding=1)
