"""Holes to be filled and scratches to be found, drawn by the benchmark itself and not by what training draws with.

Masks are bool ``(H, W)``, true where the picture is missing.
"""

import math

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]

SUPERSAMPLED = 4
"""Scratches are drawn this much larger and reduced, so that their edges are soft as a scan's."""


def strokes(side_px: int, chance: Generator, *, width_px: tuple[int, int], share: float) -> Mask:
    """Wandering strokes with round ends until at least a share of the picture is covered."""
    canvas = Image.new("1", (side_px, side_px))
    pen = ImageDraw.Draw(canvas)
    while np.asarray(canvas).mean() < share:
        x, y = chance.uniform(0, side_px, 2)
        heading, width = chance.uniform(0, 2 * math.pi), int(chance.integers(width_px[0], width_px[1] + 1))
        for _ in range(int(chance.integers(4, 12))):
            heading += chance.normal(0, 0.5)
            step = chance.uniform(0.05, 0.15) * side_px
            to_x, to_y = x + step * math.cos(heading), y + step * math.sin(heading)
            pen.line((x, y, to_x, to_y), fill=1, width=width)
            pen.ellipse((to_x - width / 2, to_y - width / 2, to_x + width / 2, to_y + width / 2), fill=1)
            x, y = to_x, to_y
    return np.array(canvas)


def thin_strokes(side_px: int, chance: Generator) -> Mask:
    """2 to 4 px wide, some 6 % of the picture: scratches, hair, cracks."""
    return strokes(side_px, chance, width_px=(2, 4), share=0.06)


def thick_strokes(side_px: int, chance: Generator) -> Mask:
    """10 to 22 px wide, some 20 % of the picture: what a user paints over with a brush."""
    return strokes(side_px, chance, width_px=(10, 22), share=0.18)


def boxes(side_px: int, chance: Generator) -> Mask:
    """One to three upright boxes of a fifth to three tenths of a side: stamps, dates, lost corners."""
    mask = np.zeros((side_px, side_px), bool)
    for _ in range(int(chance.integers(1, 4))):
        height, width = (int(part * side_px) for part in chance.uniform(0.2, 0.3, 2))
        top, left = int(chance.integers(0, side_px - height)), int(chance.integers(0, side_px - width))
        mask[top : top + height, left : left + width] = True
    return mask


def oval(side_px: int, chance: Generator, across_px: int) -> Mask:
    """One upright oval, so wide or so high, up to a third less the other way, and half of that from the border."""
    height, width = (int(part * across_px) for part in (1, chance.uniform(2 / 3, 1)))
    if chance.uniform() < 0.5:
        height, width = width, height
    row, column = chance.uniform(across_px, side_px - across_px, 2)
    y, x = np.mgrid[:side_px, :side_px]
    return np.asarray(((y - row) / (height / 2)) ** 2 + ((x - column) / (width / 2)) ** 2 <= 1)


HOLES = {"thin": thin_strokes, "thick": thick_strokes, "boxes": boxes}


def scratched(picture: Picture, chance: Generator) -> tuple[Picture, Mask]:
    """A photograph with scratches, cracks and dust in the emulsion, and where they are.

    Args:
        picture: ``(H, W, 3)``.
        chance: Draws.

    Returns:
        The damaged picture, and a mask of the pixels that lost at least a quarter of their own level.
    """
    height, width = picture.shape[:2]
    loss = Image.new("L", (width * SUPERSAMPLED, height * SUPERSAMPLED))
    pen = ImageDraw.Draw(loss)
    for _ in range(int(chance.integers(3, 7))):
        _scratch(pen, loss.size, chance)
    for _ in range(int(chance.integers(5, 20))):
        x, y = chance.uniform(0, loss.width), chance.uniform(0, loss.height)
        radius = chance.uniform(0.7, 2.5) * SUPERSAMPLED
        stretch = chance.uniform(0.6, 1.6)
        box = (x - radius, y - radius * stretch, x + radius, y + radius * stretch)
        pen.ellipse(box, fill=int(chance.integers(150, 256)))
    soft = loss.filter(ImageFilter.GaussianBlur(SUPERSAMPLED * 0.4)).resize((width, height), Image.Resampling.BOX)
    alpha = np.asarray(soft, np.float32)[..., None] / 255
    paper = np.array([235, 228, 214] if chance.uniform() < 0.7 else [28, 24, 22], np.float32)
    damaged = picture * (1 - alpha) + paper * alpha
    return damaged.round().astype(np.uint8), alpha[..., 0] >= 0.25


def _scratch(pen: ImageDraw.ImageDraw, size: tuple[int, int], chance: Generator) -> None:
    """One line that runs mostly straight, broken here and there, as film and paper are scratched."""
    x, y = chance.uniform(0, size[0]), chance.uniform(-0.2, 0.6) * size[1]
    heading = math.pi / 2 + chance.normal(0, 0.25) if chance.uniform() < 0.7 else chance.uniform(0, math.pi)
    width = max(2, round(chance.uniform(0.6, 2.2) * SUPERSAMPLED))
    strength = int(chance.integers(130, 256))
    for _ in range(int(chance.integers(10, 40))):
        heading += chance.normal(0, 0.04)
        to_x, to_y = x + 0.03 * size[1] * math.cos(heading), y + 0.03 * size[1] * math.sin(heading)
        if chance.uniform() > 0.1:
            pen.line((x, y, to_x, to_y), fill=strength, width=width)
        x, y = to_x, to_y
