"""Where tiles lie: along one axis at a time, since rows and columns do not ask each other.

All tiles of a picture read windows of one size, which are moved inwards where they would leave it: a convolution then
runs the same way for each of them, and the border of the picture is the border of a window wherever it matters.
"""

from typing import NamedTuple


class Span(NamedTuple):
    """Pixels ``read_from <= x < read_to`` are read to paint ``keep_from <= x < keep_to``; all count input pixels."""

    read_from: int
    read_to: int
    keep_from: int
    keep_to: int


def padded(length: int, stride: int) -> int:
    """The next multiple of the stride: how long the runner takes a side to be, its last pixel repeated."""
    return -(-length // stride) * stride


def spans(length: int, tile: int, radius: int, stride: int, start: int = 0) -> list[Span]:
    """The tiles along an axis: what they keep lies side by side, and what they read covers the radius around it.

    Args:
        length: Pixels of the axis, a multiple of the stride.
        tile: What a tile keeps at most, pixels; rounded up to the stride. Tiles are made about equally long.
        radius: How far beyond itself an output pixel sees, pixels.
        stride: What all borders of tiles are multiples of.
        start: First pixel to keep, a multiple of the stride; what lies before it is read, too.
    """
    assert length > start >= 0
    assert length % stride == start % stride == 0
    assert tile >= 1
    left = length - start
    count = -(-left // padded(tile, stride))
    core = padded(-(-left // count), stride)
    overlap = padded(radius, stride)
    window = min(core + 2 * overlap, length)
    found = []
    for keep_from in range(start, length, core):
        read_from = min(max(0, keep_from - overlap), length - window)
        found.append(Span(read_from, read_from + window, keep_from, min(keep_from + core, length)))
    return found
