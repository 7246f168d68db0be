"""Scratches, folds and spots of a photograph as a mask, by a network that looks for them."""

import numpy as np

from ganvas.apply.bands import automatic_tile, filtered_bands
from ganvas.apply.masks import grown
from ganvas.apply.paint import photo_source
from ganvas.apply.planes import has_alpha
from ganvas.errors import DataError
from ganvas.job.painter import Opened

FOUND_GROW_PX = 2
"""A scratch's edge is half a scratch: what is found is widened by so much."""


def scratches(pixels: np.ndarray, finder: Opened, tile: int | None, name: str) -> np.ndarray:
    """Where the finder's logits are positive: bool ``(H, W)``, not widened yet.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``.
        finder: A model of the task find-scratches.
        tile: Side of the tiles, pixels; None chooses it.
        name: What to call the photograph in an error.

    Raises:
        DataError: It finds that the whole picture is a scratch.
    """
    colours = pixels[..., :-1] if has_alpha(pixels) else pixels
    filter = finder.filter()
    bands = filtered_bands(
        photo_source(colours),
        (pixels.shape[0], pixels.shape[1]),
        filter,
        tile=tile or automatic_tile(filter, finder.device),
        device=finder.device,
    )
    found = np.concatenate([(strip.planes[0] > 0).numpy() for strip in bands if strip.planes is not None])
    if found.all() or grown(found, FOUND_GROW_PX).all():
        raise DataError(f"All of '{name}' looks like a scratch; mark by hand what is to be filled.")
    return found
