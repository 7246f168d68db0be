"""What is measured: one square of each test photograph, chosen by its detail, and rendered text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]

DETAIL_RANK = 0.8
"""Of all squares of a photograph, the one that has more detail than this share of them is taken."""
TEXT = (
    "The quick brown fox jumps over",
    "a lazy dog. 0123456789 & (%) @",
    "Pack my box with five dozen jugs",
    "of liquor: il1I| O0Q rn m cl d",
)
FONT_PX = (11, 14, 18, 24)


@dataclass(frozen=True)
class Crop:
    """A square to measure on.

    Attributes:
        name: Of the photograph, or ``text-...``.
        pixels: Levels uint8 ``(S, S, 3)``.
    """

    name: str
    pixels: Picture

    @property
    def rendered(self) -> bool:
        """Whether it is drawn: text is judged apart from photographs."""
        return self.name.startswith("text-")


def detail(grey: NDArray[np.float32]) -> float:
    """Mean absolute response of the four-neighbour Laplacian, in levels."""
    inner = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(np.abs(inner).mean())


def square(picture: Picture, side_px: int, rank: float = DETAIL_RANK) -> Picture:
    """The square of a grid over a picture whose detail has that rank among all of them."""
    grey = picture.mean(2, dtype=np.float32)
    height, width = grey.shape
    starts = [
        (top, left)
        for top in range(0, height - side_px + 1, side_px)
        for left in range(0, width - side_px + 1, side_px)
    ]
    order = sorted(starts, key=lambda at: (detail(grey[at[0] : at[0] + side_px, at[1] : at[1] + side_px]), at))
    top, left = order[min(len(order) - 1, int(rank * len(order)))]
    return picture[top : top + side_px, left : left + side_px].copy()


def text(side_px: int, ink: tuple[int, int, int], paper: tuple[int, int, int]) -> Picture:
    """Known words in Pillow's own font at sizes from small print to headings."""
    canvas = Image.new("RGB", (side_px, side_px), paper)
    pen = ImageDraw.Draw(canvas)
    top, line = 6, 0
    while top < side_px - FONT_PX[-1]:
        size_px = FONT_PX[line % len(FONT_PX)]
        pen.text((6, top), TEXT[line // len(FONT_PX) % len(TEXT)], ink, ImageFont.load_default(size_px))
        top, line = top + round(1.35 * size_px), line + 1
    return np.array(canvas)


def photographs(folder: Path, side_px: int, every: int = 1) -> Iterator[Crop]:
    """A square of every n-th photograph of a folder; those that are too small are left out."""
    if not folder.is_dir():
        raise SystemExit(f"There is no folder of photographs '{folder}'; photo_data.py lays them out.")
    for path in sorted(folder.iterdir())[::every]:
        with Image.open(path) as image:
            if min(image.size) >= side_px:
                yield Crop(path.stem, square(np.array(image.convert("RGB")), side_px))


def written(side_px: int) -> Sequence[Crop]:
    """Dark text on light paper, and light text on a dark ground."""
    return [
        Crop("text-dark", text(side_px, (34, 32, 30), (246, 243, 236))),
        Crop("text-light", text(side_px, (236, 226, 180), (40, 52, 78))),
    ]
