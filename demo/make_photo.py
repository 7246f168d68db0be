"""Make the demo's old photograph: a good one, reduced, faded, scratched, folded, dusty, grainy and compressed.

    python bench/fetch.py gcompris
    python demo/make_photo.py ~/.cache/ganvas/bench/gcompris/explore_monuments/france/citedeCarcassonne.webp

Writes `photo/clean.png`, `photo/worn.jpg` and `photo/mask.png`, the marks as one would paint over them, beside this
script. The damage is drawn with Pillow and shares no line with what networks are trained on.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIZE = (480, 360)
FINE = 4
"""Marks are drawn so many times larger and reduced, which makes them smooth."""
PAPER, DUST = (238, 228, 206), (52, 44, 38)


def worn(clean: Image.Image, chance: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """A print of a photograph after some decades in a drawer, and where it is scratched, folded or dusty."""
    levels = np.asarray(clean, np.float32)
    grey = levels.mean(2, keepdims=True)
    faded = 52 + 0.68 * (grey + 0.75 * (levels - grey)) + np.array([14, 5, -14], np.float32)
    marked = Image.fromarray(faded.clip(0, 255).astype(np.uint8))
    mask = Image.new("L", (SIZE[0] * FINE, SIZE[1] * FINE))
    pen = ImageDraw.Draw(mask)
    for width_px in (1.0, 1.4, 1.0, 2.2, 1.2):
        start = chance.uniform(0, 1, 2) * SIZE
        way = chance.normal(0, 45, (6, 2)) * 0.25 + chance.normal(0, 26, 2)
        points = (np.vstack([start, start + way.cumsum(0)]) * FINE).ravel().tolist()
        pen.line(points, fill=230, width=round(width_px * FINE), joint="curve")
    fold = [(x, 0.62 * SIZE[1] + 0.02 * x + chance.normal(0, 0.7)) for x in range(-5, SIZE[0] + 10, 5)]
    pen.line([(x * FINE, y * FINE) for x, y in fold], fill=215, width=round(2.4 * FINE), joint="curve")
    specks = Image.new("L", mask.size)
    dots = ImageDraw.Draw(specks)
    for x, y, radius_px in zip(
        *(chance.uniform(0, 1, (2, 45)) * np.array(SIZE)[:, None]), chance.uniform(0.5, 1.6, 45), strict=True
    ):
        dots.ellipse(
            [FINE * (x - radius_px), FINE * (y - radius_px), FINE * (x + radius_px), FINE * (y + radius_px)], 235
        )
    marks = Image.new("L", SIZE)
    for tone, drawn in ((PAPER, mask), (DUST, specks)):
        small = drawn.resize(SIZE, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.4))
        marked.paste(Image.new("RGB", SIZE, tone), mask=small)
        marks = ImageChops.lighter(marks, small)
    grain = np.asarray(marked, np.float32) + chance.normal(0, 7, (SIZE[1], SIZE[0], 1))
    painted = marks.point(lambda level: 255 * (level > 8)).filter(ImageFilter.MaxFilter(3))
    return Image.fromarray(grain.clip(0, 255).round().astype(np.uint8)), painted


def main(source: Path) -> None:
    """Write both pictures beside this script."""
    folder = Path(__file__).parent / "photo"
    folder.mkdir(exist_ok=True)
    with Image.open(source) as photograph:
        clean = photograph.convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    clean.save(folder / "clean.png", optimize=True)
    picture, mask = worn(clean, np.random.default_rng(4))
    picture.save(folder / "worn.jpg", quality=50)
    mask.save(folder / "mask.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
