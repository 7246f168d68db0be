"""Holes too deep for the network: patches of the photograph itself fill them, see `ganvas.apply.completed`.

The network paints what is left: a rim, so that no edge shows where the patches do not go on with what is around.
"""

import numpy as np
import torch

from ganvas.apply.completed import completed
from ganvas.apply.masks import hidden, unseen
from ganvas.apply.planes import alpha_plane, colour_planes, has_alpha, to_pixels

DEEP_PX = 24, 48
"""How far from all that is known a network's hole goes at most, at fidelity 0 and 1: from the first on patches look
better, up to the second the network is nearer to what was there, and no hole of training is deeper."""
RIM_PX = 8
"""What of a deep hole is left to the network, along its edge."""
LEAST_AROUND_PX = 128


def with_patches(
    pixels: np.ndarray, mask: np.ndarray, fidelity: float, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """A photograph whose deep holes are filled but for a rim, and the holes that are left.

    Patches are taken from around the holes, up to as far as they are wide.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``; transparency stays as it is.
        mask: bool ``(H, W)``.
        fidelity: From 0 to 1: the more, the deeper holes may be.
        device: Where patches are looked for.

    Returns:
        The same arrays where nothing is deep or no patch is whole, else copies.
    """
    gone = hidden(mask, pixels)
    deep_px = round(DEEP_PX[0] + fidelity * (DEEP_PX[1] - DEEP_PX[0]))
    core = unseen(gone, deep_px) & mask
    if not core.any():
        return pixels, mask
    inside = unseen(gone, RIM_PX) & ~unseen(~core, deep_px) & mask
    rows, columns = (_around(np.asarray(inside.any(axis=axis))) for axis in (1, 0))
    part, inside = pixels[rows, columns], inside[rows, columns]
    missing = torch.from_numpy(gone[rows, columns]).to(device)
    filled = completed(colour_planes(part)[0].to(device), missing)
    if filled is None:
        return pixels, mask
    alpha = alpha_plane(part)[0] if has_alpha(part) else None
    patched = to_pixels(filled.cpu(), alpha, part.shape[2], part.dtype)
    pixels, mask = pixels.copy(), mask.copy()
    pixels[rows, columns][inside] = patched[inside]
    mask[rows, columns][inside] = False
    return pixels, mask


def _around(marked: np.ndarray) -> slice:
    """From the first to the last that is marked, and as much again to both sides."""
    (at,) = marked.nonzero()
    more = max(LEAST_AROUND_PX, int(np.ptp(at)))
    return slice(max(0, int(at[0]) - more), int(at[-1]) + 1 + more)
