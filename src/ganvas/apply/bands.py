"""A filter over a whole picture, in bands from top to bottom, each of tiles from left to right.

What a band gives is what the filter would give of the whole picture: a tile reads as far beyond what it keeps as the
filter sees. Memory holds one tile and one band of the output, never the output.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ganvas.apply.filter import LocalFilter
from ganvas.apply.tiles import Span, padded, spans
from ganvas.device import memory_bytes, ran_out_of_memory
from ganvas.errors import FileError, OutOfMemory

Source = Callable[[Span, Span], Tensor]
"""Rows and columns to planes: float ``(1, Cin, h, w)`` of what both spans read, the last pixels repeated beyond the
picture's bottom and right edge."""

LARGEST_TILE_PX = 1024
SMALLEST_TILE_PX = 32
MOST_BAND_BYTES = 1 << 27
"""A band of a wide picture is made lower than its tiles are wide, so that it takes no more than this, roughly."""
_MOST_PLANES = 6
"""Colours, map, what the colour lock left, alpha."""
_COPIES = 6
"""Activations of the widest layer that live at once: its input and output, both in the library's own order, and a
skip."""
_SHARE = 4
"""A tile may take this part of the free memory: the picture, its file and the output's band want theirs."""


class Strip(NamedTuple):
    """Rows of the output: ``planes`` is float32 ``(Cout, bottom - top, W * scale)`` on the CPU.

    It is None where no tile of the band was needed; a tile that was not needed is zeros.
    """

    top: int
    bottom: int
    planes: Tensor | None


def filtered_bands(
    source: Source,
    size: tuple[int, int],
    filter: LocalFilter,
    *,
    tile: int,
    device: torch.device,
    needed: Callable[[Span, Span], bool] = lambda rows, columns: True,
    smaller: Callable[[int], None] = lambda tile: None,
) -> Iterator[Strip]:
    """Apply a filter to a picture of any size.

    Args:
        source: The planes the filter is given.
        size: Height and width of the picture, pixels; it is thought padded to multiples of the stride.
        filter: What to apply; it is given float32.
        tile: Side of what a tile keeps at most, input pixels. When memory runs out it is halved for the rest.
        device: Where to run the filter.
        needed: Whether anybody looks at what a tile keeps.
        smaller: Told the new side each time memory ran out.

    Raises:
        OutOfMemory: The smallest tile does not fit either.
        FileError: The filter gives numbers that are not finite, or another size, as a damaged model would.
    """
    stride, radius = filter.stride_px, filter.radius_px
    height, width = (padded(side, stride) for side in size)
    top = 0
    while top < height:
        columns = spans(width, tile, radius, stride)
        for rows in spans(height, band_height(tile, width, filter), radius, stride, start=top):
            try:
                strip = _strip(_band(source, rows, columns, filter, device, needed), rows, size, filter.scale)
            except (RuntimeError, MemoryError) as error:
                if not ran_out_of_memory(error):
                    raise
                tile = half_tile(min(tile, max(height, width)), stride, device, error)
                smaller(tile)
                break
            top = rows.keep_to
            yield strip
            del strip  # before the next one is made: a band may be large


def automatic_tile(filter: LocalFilter, device: torch.device) -> int:
    """The side of tiles that a quarter of the free memory has room for, pixels; powers of two."""
    per_pixel = 4 * _COPIES * max(filter.channels, 4 * filter.scale**2)
    room = memory_bytes(device) // _SHARE // per_pixel
    tile = LARGEST_TILE_PX
    while tile > SMALLEST_TILE_PX and (tile + 2 * filter.radius_px) ** 2 > room:
        tile //= 2
    return tile


def band_height(tile: int, width: int, filter: LocalFilter) -> int:
    """Input rows of a band: at least twice the radius, below which tiles read much more than they keep."""
    row_bytes = 4 * _MOST_PLANES * width * filter.scale**2
    return min(tile, max(MOST_BAND_BYTES // row_bytes, 2 * filter.radius_px, 1))


def _strip(band: Tensor | None, rows: Span, size: tuple[int, int], scale: int) -> Strip:
    """A band without what lies beyond the picture."""
    top, bottom = rows.keep_from * scale, min(rows.keep_to, size[0]) * scale
    return Strip(top, bottom, None if band is None else band[:, : bottom - top, : size[1] * scale])


def _band(
    source: Source,
    rows: Span,
    columns: list[Span],
    filter: LocalFilter,
    device: torch.device,
    needed: Callable[[Span, Span], bool],
) -> Tensor | None:
    scale = filter.scale
    band: Tensor | None = None
    for column in columns:
        if not needed(rows, column):
            continue
        painted = filtered_window(source(rows, column), filter, device)
        if band is None:
            band = torch.zeros(painted.shape[1], (rows.keep_to - rows.keep_from) * scale, columns[-1].keep_to * scale)
        top, left = (rows.keep_from - rows.read_from) * scale, (column.keep_from - column.read_from) * scale
        wide = (column.keep_to - column.keep_from) * scale
        kept = painted[0, :, top : top + band.shape[1], left : left + wide]
        if not bool(torch.isfinite(kept).all()):
            raise FileError("The model paints numbers that are not finite; its file is damaged, get it again.")
        band[:, :, column.keep_from * scale : column.keep_to * scale] = kept.float().cpu()
    return band


def filtered_window(given: Tensor, filter: LocalFilter, device: torch.device) -> Tensor:
    """A filter on the planes of one window, ``(1, Cin, h, w) -> (1, Cout, h * scale, w * scale)`` on the device.

    Raises:
        FileError: It gives another size.
    """
    # TF32 keeps 10 bits of a number, and a benchmark might take another algorithm for the same tile
    exact = torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
    with torch.inference_mode(), exact:
        painted = filter(given.to(device))
    wanted = tuple(side * filter.scale for side in given.shape[2:])
    if tuple(painted.shape[2:]) != wanted:
        raise FileError(
            f"The model paints {tuple(painted.shape[2:])} of {tuple(given.shape[2:])} pixels, and {wanted} were due; "
            "its description does not fit it, get the file again."
        )
    return painted


def half_tile(tile: int, stride: int, device: torch.device, error: Exception) -> int:
    """The next smaller side of tiles, a multiple of the stride, once memory ran out.

    Raises:
        OutOfMemory: There is none; it comes from the error that is given.
    """
    if tile <= stride:
        raise OutOfMemory(
            f"{device} has too little memory even for tiles of {tile} px; end other programs, or take another --device."
        ) from error
    return max(stride, tile // 2 // stride * stride)
