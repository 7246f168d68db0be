"""Many pictures on one contact sheet."""

from math import ceil, log

import numpy as np

_EMPTY_CELL_COST = 4.0


def grid(images: np.ndarray, columns: int, gap_px: int = 2, background: int = 255) -> np.ndarray:
    """Lay uint8 pictures ``(N, H, W, C)`` out in rows, ``(H', W', C)``.

    Cells have one size, with a gap between them and none around; the last row may be short. Gaps and empty
    cells have every channel at `background`: white and, with alpha, opaque unless told otherwise.
    """
    count, height, width, channels = images.shape
    rows = ceil(count / columns)
    step_y, step_x = height + gap_px, width + gap_px
    shape = (rows * step_y - gap_px, columns * step_x - gap_px, channels)
    sheet = np.full(shape, background, dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * step_y, index % columns * step_x
        sheet[top : top + height, left : left + width] = image
    return sheet


def columns_for(count: int, height_px: int, width_px: int, aspect: float = 4 / 3) -> int:
    """How many columns bring a sheet near an aspect (width by height) and leave few of its cells empty."""

    def cost(columns: int) -> float:
        rows = ceil(count / columns)
        shape = abs(log(columns * width_px / (rows * height_px) / aspect))
        return shape + _EMPTY_CELL_COST * (rows * columns - count) / count

    return min(range(1, count + 1), key=cost)
