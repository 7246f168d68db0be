"""Scratched photographs: what to find, and where it is.

Marks are found on prints, and prints are worn: they fade and are grainy before they are scratched, and what is looked
at is a scan of them, which has noise, blur and JPEG of its own. A network that has seen marks on clean photographs
alone misses most of those on an old print.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ganvas.damage.chain import RestoreRanges, damaged_photograph
from ganvas.damage.marks import MARKS
from ganvas.device import sent
from ganvas.draw import Draw
from ganvas.tensors import Images

VISIBLE_LEVELS = 6
"""A change of more 8-bit levels than these in any channel belongs to the mask. A network that must find fainter ones
marks what is not there."""
PRINT = RestoreRanges(untouched=0.4, fade=0.7, blur=0.3, rescale=0.0, noise=0.5, jpeg=0.1, alone=0.0, noise_levels=30.0)
"""What a print has been through before it is marked."""
SCAN = RestoreRanges(
    untouched=0.3,
    fade=0.3,
    blur=0.3,
    rescale=0.2,
    noise=0.4,
    jpeg=0.6,
    alone=0.0,
    fade_loss=0.3,
    blur_px=0.8,
    rescale_factor=0.7,
    noise_levels=12.0,
    quality=(50.0, 95.0),
)
"""What happens to print and marks alike: some fading, and the scan."""
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
            there = sent(rows, clean.device)
            damaged[there] = torch.lerp(damaged[there], tone.expand(-1, -1, *clean.shape[2:]), opacity[:, None])
    changed = (damaged - clean).abs().amax(1, keepdim=True) > VISIBLE_LEVELS / 127.5
    return damaged, max_pool2d(changed.to(clean.dtype), 3, stride=1, padding=1)


def scratched_print(clean: Images, draw: Draw, ranges: ScratchRanges = DEFAULT) -> tuple[Images, Tensor]:
    """Photographs as scans of worn prints, most of them with marks.

    Args:
        clean: RGB ``(N, 3, H, W)`` in [-1, 1], more than 8 pixels a side.
        draw: Where the numbers come from; N rows.
        ranges: How often which marks are drawn.

    Returns:
        Scans of the same shape in [-1, 1], and the mask of `scratched`: of the marks alone, not of wear.
    """
    worn, _ = damaged_photograph(clean, draw.named("print"), PRINT)
    marked, mask = scratched(worn, draw.named("marks"), ranges)
    scan, _ = damaged_photograph(marked, draw.named("scan"), SCAN)
    return scan, mask
