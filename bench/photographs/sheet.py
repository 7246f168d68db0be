"""Contact sheets: a row a crop, a column a competitor, every pixel at full size."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

LABEL_PX, GAP_PX, FONT_PX = 20, 4, 13


def sheet(rows: Sequence[tuple[str, Sequence[tuple[str, Picture]]]]) -> Image.Image:
    """Rows of labelled pictures.

    Args:
        rows: A name, and pictures ``(H, W, 3)`` with their labels; all of one size.
    """
    height, width = rows[0][1][0][1].shape[:2]
    columns = max(len(pictures) for _, pictures in rows)
    step_x, step_y = width + GAP_PX, height + LABEL_PX
    canvas = Image.new("RGB", (columns * step_x - GAP_PX, len(rows) * step_y), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(FONT_PX)
    for row, (name, pictures) in enumerate(rows):
        for column, (label, picture) in enumerate(pictures):
            words = f"{label}: {name.rsplit('-', 1)[-1]}" if column == 0 else label
            while font.getlength(words) > width - 4:
                words = words[:-1]
            pen.text((column * step_x + 2, row * step_y + 2), words, "black", font)
            canvas.paste(Image.fromarray(picture), (column * step_x, row * step_y + LABEL_PX))
    return canvas


def write_sheet(path: Path, rows: Sequence[tuple[str, Sequence[tuple[str, Picture]]]]) -> None:
    """As PNG; none where there are no rows."""
    if rows:
        sheet(rows).save(path, optimize=True)
