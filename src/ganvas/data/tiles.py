"""Photographs cut to tiles of their own pixels: what repair, restoration and enlargement learn from.

Resized to one shape, a photograph would teach what its resizing looks like. Half-size copies of large ones are added:
they are free of the traces of JPEG and WebP, and show the same things smaller.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGE = 4
"""Tiles along the shorter side from which a photograph is cut at half its size as well."""
FLAT = 2.0
"""Levels by which neighbours differ on average, across and down together: sky and blurred background stay below."""
FLAT_KEPT = 8
"""Of flat tiles, the first and every so manieth is kept, so that nothing learns to see texture everywhere."""

Picture = NDArray[np.uint8]
Size = tuple[int, int]


def tiles_of(picture: Picture, size: Size) -> list[Picture]:
    """The tiles of a photograph, most of the flat ones left out; at least one where it is large enough.

    Args:
        picture: uint8 ``(H, W, C)``.
        size: Height and width of a tile, pixels.

    Returns:
        Tiles ``(h, w, C)`` that do not overlap, in a grid in the middle of the photograph; then those of its half.
        None where it is smaller than a tile.
    """
    tiles = _cut(picture, size)
    if _has_half(picture.shape[:2], size):
        tiles += _cut(_halved(picture), size)
    flat = [row for row, tile in enumerate(tiles) if steepness(tile) < FLAT]
    dropped = {row for number, row in enumerate(flat) if number % FLAT_KEPT}
    return [tile for row, tile in enumerate(tiles) if row not in dropped]


def most_tiles(picture: tuple[int, ...], size: Size) -> int:
    """How many tiles a photograph of a height and width has, flat ones included."""
    height, width = picture
    count = (height // size[0]) * (width // size[1])
    if _has_half(picture, size):
        count += (height // 2 // size[0]) * (width // 2 // size[1])
    return count


def too_small(size: Size) -> str:
    """Why a photograph has no tiles."""
    return f"smaller than a tile of {size[0]}x{size[1]} pixels; choose a smaller --size"


def steepness(tile: Picture) -> float:
    """Mean absolute difference of neighbours across and down, in levels, summed."""
    levels = tile.astype(np.int16)
    return float(np.abs(np.diff(levels, axis=0)).mean() + np.abs(np.diff(levels, axis=1)).mean())


def _has_half(picture: tuple[int, ...], size: Size) -> bool:
    return all(side >= LARGE * tile for side, tile in zip(picture, size, strict=True))


def _cut(picture: Picture, size: Size) -> list[Picture]:
    (height, width), (tall, wide) = picture.shape[:2], size
    rows, columns = height // tall, width // wide
    top, left = (height - rows * tall) // 2, (width - columns * wide) // 2
    return [
        picture[y : y + tall, x : x + wide]
        for y in range(top, top + rows * tall, tall)
        for x in range(left, left + columns * wide, wide)
    ]


def _halved(picture: Picture) -> Picture:
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    half = image.resize((picture.shape[1] // 2, picture.shape[0] // 2), Image.Resampling.LANCZOS)  # antialiased
    return np.array(half).reshape(half.height, half.width, picture.shape[2])
