"""Holes deeper than a network has learned to fill: a smaller copy is repaired first, and its middle put in.

So the middle of a large hole gets what goes on around it as seen from farther away, softer than it was; what lies
within `DEEP_PX` of the picture is painted at full size, between the picture and that middle.
"""

from collections.abc import Callable

import numpy as np
import torch

from ganvas.apply.guess import Guess
from ganvas.apply.masks import hidden, unseen
from ganvas.apply.planes import alpha_plane, colour_planes, has_alpha, to_pixels
from ganvas.apply.tiles import Span

DEEP_PX = 48
"""How far from all that is known a hole may go; those of training reach some 40 px."""
_HALF = 2
_ROWS_AT_ONCE = 64

Repair = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Pixels ``(H, W, C)`` and what is missing of them ``(H, W)`` to the whole pixels."""


def with_middle(
    pixels: np.ndarray, mask: np.ndarray, repair: Repair, *, around_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """A photograph whose deep holes have a middle, and the holes that are left.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``.
        mask: bool ``(H, W)``.
        repair: Repairs a smaller copy, however deep its holes.
        around_px: How much of the smaller copy is looked at around what is deep, in its pixels.

    Returns:
        The same arrays where nothing is deep, else copies.
    """
    gone = hidden(mask, pixels)
    core = unseen(gone, DEEP_PX) & mask
    if not core.any() or gone.all():
        return pixels, mask
    rows, columns = (_around(np.asarray(core.any(axis=axis)), _HALF * around_px) for axis in (1, 0))
    if gone[rows, columns].all():
        rows = columns = slice(None)  # or smaller and smaller copies of nothing would follow
    part = pixels[rows, columns]
    small, missing = halved(part, gone[rows, columns])
    middle = enlarged(repair(small, missing), (part.shape[0], part.shape[1]))
    pixels, mask, inside = pixels.copy(), mask.copy(), core[rows, columns]
    pixels[rows, columns][inside] = middle[inside]
    mask[rows, columns][inside] = False
    return pixels, mask


def halved(pixels: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the size: means of what is known of each four pixels, and where nothing is."""
    strips = []
    for top in range(0, len(pixels), _ROWS_AT_ONCE):
        part = pixels[top : top + _ROWS_AT_ONCE]
        known = torch.from_numpy(1 - missing[top : top + _ROWS_AT_ONCE].astype(np.float32))[None, None]
        sums, share = (_means(planes) for planes in (colour_planes(part) * known, known))
        alpha = _means(alpha_plane(part))[0] if has_alpha(part) else None
        levels = to_pixels((sums / share.clamp(min=0.25))[0], alpha, pixels.shape[2], pixels.dtype)
        strips.append((levels, (share == 0)[0, 0].numpy()))
    return np.concatenate([levels for levels, _ in strips]), np.concatenate([gone for _, gone in strips])


def enlarged(small: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Twice the size, or a pixel less: between the middles of pixels lie straight lines."""
    colours = Guess(colour_planes(small), size, _HALF)
    alpha = Guess(alpha_plane(small), size, _HALF) if has_alpha(small) else None
    whole, strips = Span(0, size[1], 0, size[1]), []
    for top in range(0, size[0], _ROWS_AT_ONCE):
        rows = Span(top, min(top + _ROWS_AT_ONCE, size[0]), 0, 0)
        planes = None if alpha is None else alpha.window(rows, whole)[0]
        strips.append(to_pixels(colours.window(rows, whole)[0], planes, small.shape[2], small.dtype))
    return np.concatenate(strips)


def _means(planes: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.avg_pool2d(planes, _HALF, ceil_mode=True)


def _around(marked: np.ndarray, more: int) -> slice:
    """From the first to the last that is marked, and so much more; it begins at an even pixel."""
    (at,) = marked.nonzero()
    return slice(max(0, int(at[0]) - more) // _HALF * _HALF, min(len(marked), int(at[-1]) + 1 + more))
