"""Scratches, folds and spots of a photograph as a mask, by a network that looks for them."""

import math
from typing import Any

import numpy as np

from ganvas.apply.bands import automatic_tile, filtered_bands
from ganvas.apply.masks import grown
from ganvas.apply.paint import photo_source
from ganvas.apply.planes import has_alpha
from ganvas.errors import DataError, UsageError
from ganvas.job.painter import Opened
from ganvas.job.photo_options import FOUND_GROW_PX


def check_threshold(threshold: float) -> None:
    """Refuse what would mark all or nothing.

    Raises:
        UsageError: It is not between 0 and 1.
    """
    if not 0 < threshold < 1:
        raise UsageError(f"--scratch-threshold is {threshold:g}, but it must be above 0 and below 1.")


def found_how(finder: Opened, threshold: float) -> dict[str, Any]:
    """What decides the scratches that are found, plain values."""
    return {"finder": finder.sha256, "scratch_threshold": threshold}


def scratches(pixels: np.ndarray, finder: Opened, threshold: float, tile: int | None, name: str) -> np.ndarray:
    """Where a photograph is marked: bool ``(H, W)``, not widened yet.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``.
        finder: A model of the task find-scratches.
        threshold: How sure it must be that a pixel is part of a mark, between 0 and 1.
        tile: Side of the tiles, pixels; None chooses it.
        name: What to call the photograph in an error.

    Raises:
        DataError: It finds that the whole picture is a scratch.
    """
    colours = pixels[..., :-1] if has_alpha(pixels) else pixels
    filter = finder.filter()
    least = math.log(threshold / (1 - threshold))
    bands = filtered_bands(
        photo_source(colours),
        (pixels.shape[0], pixels.shape[1]),
        filter,
        tile=tile or automatic_tile(filter, finder.device),
        device=finder.device,
    )
    found = np.concatenate([(strip.planes[0] > least).numpy() for strip in bands if strip.planes is not None])
    if found.all() or grown(found, FOUND_GROW_PX).all():
        raise DataError(
            f"All of '{name}' looks like a scratch; raise --scratch-threshold, or mark by hand what is to be filled."
        )
    return found
