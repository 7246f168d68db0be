"""Holes too deep for the network: patches of the photograph itself fill them, see `ganvas.apply.completed`.

The network paints twice. First all of a hole, without detail where it is deep: that is where the search for patches
begins, so that lines and edges go on. Then what is left: a rim, so that no edge shows where the patches do not go on
with what is around.
"""

from collections.abc import Callable

import numpy as np
import torch

from ganvas.apply.completed import MOST_PX, completed_of
from ganvas.apply.masks import boxes, hidden, unseen
from ganvas.apply.planes import alpha_plane, has_alpha, to_pixels

DEEP_PX = 24, 48
"""How far from all that is known a network's hole goes at most, at fidelity 0 and 1: from the first on patches look
better, up to the second the network is nearer to what was there, and few holes of training are deeper."""
RIM_PX = 8
"""What of a deep hole is left to the network, along its edge."""
AROUND_PX = 128, 512
"""How far around a hole patches are taken from, at least and at most: as far as it is wide."""
APART_PX = 64
"""Deep parts farther apart than that are filled one by one."""

_MASK_BYTES = 7
"""For each pixel of a photograph: masks that live at once."""
_SEARCH_BYTES = 260
"""For each pixel that patches are looked for in, where nearly all is a hole; a thin hole takes half of it. Measured."""

Box = tuple[slice, slice]


def with_patches(
    pixels: np.ndarray,
    mask: np.ndarray,
    fidelity: float,
    device: torch.device,
    first: Callable[[np.ndarray, np.ndarray], np.ndarray],
    tick: Callable[[float], None] = lambda share: None,
) -> tuple[np.ndarray, np.ndarray]:
    """A photograph whose deep holes are filled but for a rim, and the holes that are left.

    Patches are taken from around the hole, as far as it is wide, and never from what has been filled.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``; transparency stays as it is.
        mask: bool ``(H, W)``.
        fidelity: From 0 to 1: the more, the deeper holes may be.
        device: Where patches are looked for.
        first: Given masks of all that is missing and of what of it is near to a deep part, the photograph with the
            latter painted by the network, as the pixels are; it is called only where something is deep.
        tick: Told how much of the deep parts is filled, 0 to 1.

    Returns:
        The same arrays where nothing is deep, else copies; a hole that no whole patch is near to is left.
    """
    gone = hidden(mask, pixels)
    deep_px = round(DEEP_PX[0] + fidelity * (DEEP_PX[1] - DEEP_PX[0]))
    core = unseen(gone, deep_px) & mask
    if not core.any():
        return pixels, mask
    inside = unseen(gone, RIM_PX) & ~unseen(~core, deep_px) & mask
    places = [(box, (_around(box[0]), _around(box[1]))) for box in boxes(inside, APART_PX)]
    near = np.zeros_like(gone)
    for _, around in places:
        near[around] = gone[around]
    begun = first(gone, near)
    pixels, mask, done, total = pixels.copy(), mask.copy(), 0.0, int(inside.sum())
    for box, around in places:
        part, left = pixels[around], mask[around]
        own = np.zeros_like(inside[around])
        own[_seen_from(around, box)] = inside[box]
        inside[box] = False  # boxes may overlap: nothing is filled twice
        share = int(own.sum()) / total
        if not share:
            continue
        for rows, filled in completed_of(begun[around], gone[around], own, device, _stretch(tick, done, share)):
            alpha = alpha_plane(part[rows])[0] if has_alpha(part) else None
            part[rows][own[rows]] = to_pixels(filled, alpha, part.shape[2], part.dtype)[own[rows]]
            left[rows][own[rows]] = False
        done += share
    return pixels, mask


def most_bytes(pixels: int, pixel_bytes: int) -> int:
    """Memory that `with_patches` takes for a photograph of so many pixels at most, whatever its holes."""
    return pixels * (2 * pixel_bytes + _MASK_BYTES) + min(pixels, MOST_PX) * _SEARCH_BYTES


def _around(span: slice) -> slice:
    more = min(max(AROUND_PX[0], span.stop - span.start), AROUND_PX[1])
    return slice(max(0, span.start - more), span.stop + more)


def _seen_from(around: Box, box: Box) -> Box:
    """A box inside another by its rows and columns there."""
    rows, columns = (
        slice(span.start - wide.start, span.stop - wide.start) for span, wide in zip(box, around, strict=True)
    )
    return rows, columns


def _stretch(tick: Callable[[float], None], start: float, length: float) -> Callable[[float], None]:
    """Tells of a part of the work as a part of the whole."""
    return lambda share: tick(start + share * length)
