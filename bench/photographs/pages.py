"""Pages of drawn text and lines, which photographs have too little of to learn from.

The letters of a page make no words, and none of its fonts is that of the benchmark: what is learned is the look of
letters, not a text.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PAGES = 32
SIZE_PX = (768, 512)
SEED = 5
LETTERS = "eeeeeettttaaaooiiinnnssshhhrrddlluucmfwygpbvk"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIGNS = "0123456789,.;:!?()&%@#+-=/'\""
FONT_PX = (9, 40)
FINER = 4
"""Lines are drawn this many times as large and made smaller, because Pillow's own have stairs."""

Colour = tuple[int, int, int]


def word(draw: np.random.Generator) -> str:
    """Letters about as often as English has them, capitals, or digits and signs."""
    kind, length = draw.random(), int(draw.integers(1, 11))
    letters = LETTERS if kind < 0.75 else CAPITALS if kind < 0.85 else SIGNS
    found = "".join(draw.choice(list(letters), length))
    return found.capitalize() if draw.random() < 0.15 else found


def colours(draw: np.random.Generator) -> tuple[Colour, Colour]:
    """Paper and ink: half of the pages dark on light, as print is, and none too faint to read."""
    while True:
        paper = draw.integers(225, 256, 3) if draw.random() < 0.5 else draw.integers(0, 256, 3)
        ink = draw.integers(0, 50, 3) if draw.random() < 0.5 else draw.integers(0, 256, 3)
        if abs(float(paper.mean() - ink.mean())) > 80:
            return tuple(map(int, paper)), tuple(map(int, ink))  # type: ignore[return-value]


def ruled(paper: Colour, ink: Colour, draw: np.random.Generator) -> Image.Image:
    """A ground that changes slowly from side to side, with a few lines and ellipses."""
    width, height = SIZE_PX
    across = np.linspace(0, 1, width)[None, :, None] * draw.uniform(-30, 30, 3)
    down = np.linspace(0, 1, height)[:, None, None] * draw.uniform(-30, 30, 3)
    ground = np.clip(np.array(paper) + across + down, 0, 255).astype(np.uint8)
    page = Image.fromarray(ground).resize((width * FINER, height * FINER), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(page)
    for _ in range(int(draw.integers(3, 9))):
        (left, right), (top, bottom) = (sorted(draw.integers(0, side * FINER, 2).tolist()) for side in SIZE_PX)
        line_px = int(draw.integers(2, 4 * FINER))
        if draw.random() < 0.3:
            pen.ellipse((left, top, right, bottom), outline=ink, width=line_px)
        else:
            pen.line((left, top, right, top if draw.random() < 0.4 else bottom), ink, line_px)
    return page.resize(SIZE_PX, Image.Resampling.BOX)


def page(fonts: Sequence[Path], draw: np.random.Generator) -> Image.Image:
    """Lines of words from the top to the bottom, each in a font and size of its own."""
    paper, ink = colours(draw)
    result = ruled(paper, ink, draw)
    pen, (width, height), top = ImageDraw.Draw(result), SIZE_PX, 4
    while top < height:
        low, high = np.log(FONT_PX)
        size_px = round(float(np.exp(draw.uniform(low, high))))
        font = ImageFont.truetype(fonts[int(draw.integers(len(fonts)))], size_px)
        words = " ".join(word(draw) for _ in range(2 * width // (3 * size_px)))
        pen.text((int(draw.integers(0, 12)), top), words, ink, font)
        top += round(size_px * draw.uniform(1.15, 1.6))
    return result


def write_pages(folder: Path, fonts: Sequence[Path], count: int = PAGES) -> None:
    """Write them as PNG; the same fonts give the same pages."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(SEED)
    for number in range(count):
        page(fonts, draw).save(folder / f"page-{number:02d}.png")
