"""Bring pictures of any size to one size."""

from typing import Literal

import numpy as np
from PIL import Image

from ganvas.image.convert import WHITE

FitMode = Literal["crop", "pad", "stretch"]
_EMPTY = {1: (255,), 3: WHITE, 4: (*WHITE, 0)}


def fit(array: np.ndarray, size: tuple[int, int], mode: FitMode) -> np.ndarray:
    """Resize an upright uint8 picture ``(H, W, C)`` to ``(h, w, C)``.

    Args:
        array: grey, RGB or RGBA; EXIF rotation is applied already.
        size: height and width in pixels.
        mode: ``crop`` fills the frame and cuts off what stands over, equally on both sides; ``pad`` shows the
            whole picture, centred on white (on nothing, where there is an alpha channel); ``stretch`` fills
            the frame with the whole picture, whatever becomes of its proportions.

    Returns:
        The picture by an antialiased Lanczos filter, bit-identical where it had that size already. Colours
        are weighted by their alpha, so what is invisible leaves no fringe.
    """
    height, width = array.shape[:2]
    new_height, new_width = size
    if mode == "stretch":
        return _resized(array, size, (0, 0, width, height))
    if mode == "crop":
        left = (width - min(width, height * new_width / new_height)) / 2
        top = (height - min(height, width * new_height / new_width)) / 2
        return _resized(array, size, (left, top, width - left, height - top))
    scale = min(new_height / height, new_width / width)
    inner = max(1, round(height * scale)), max(1, round(width * scale))
    top_px, left_px = (new_height - inner[0]) // 2, (new_width - inner[1]) // 2
    sheet = np.empty((*size, array.shape[2]), dtype=np.uint8)
    sheet[:] = _EMPTY[array.shape[2]]
    sheet[top_px : top_px + inner[0], left_px : left_px + inner[1]] = _resized(array, inner, (0, 0, width, height))
    return sheet


def _resized(array: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    """The part ``(left, top, right, bottom)`` of a picture at a new ``(height, width)``."""
    image = Image.fromarray(array[..., 0] if array.shape[2] == 1 else array)
    # Pillow premultiplies RGBA by itself, and copies where size and box change nothing
    resized = image.resize((size[1], size[0]), Image.Resampling.LANCZOS, box)
    return np.array(resized).reshape(*size, array.shape[2])
