"""Many pictures on one contact sheet."""

from math import ceil

import numpy as np

_EMPTY = 255


def grid(images: np.ndarray, columns: int, gap_px: int = 2) -> np.ndarray:
    """Lay uint8 pictures ``(N, H, W, C)`` out in rows, ``(H', W', C)``.

    Cells have one size, with a gap between them and none around; the last row may be short. Gaps and empty
    cells are white and, with alpha, opaque.
    """
    count, height, width, channels = images.shape
    rows = ceil(count / columns)
    step_y, step_x = height + gap_px, width + gap_px
    shape = (rows * step_y - gap_px, columns * step_x - gap_px, channels)
    sheet = np.full(shape, _EMPTY, dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * step_y, index % columns * step_x
        sheet[top : top + height, left : left + width] = image
    return sheet
