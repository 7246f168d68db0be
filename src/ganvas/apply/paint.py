"""A filter over a photograph: rows of finished pixels, top to bottom."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from ganvas.apply.assemble import Assembly
from ganvas.apply.bands import Source, Strip, filtered_bands
from ganvas.apply.deep import with_patches
from ganvas.apply.difference import map_levels
from ganvas.apply.guess import guessed_of
from ganvas.apply.masks import hidden
from ganvas.apply.planes import alpha_plane, colour_planes, has_alpha, to_pixels, window
from ganvas.apply.tiles import Span
from ganvas.image.convert import to_uint8
from ganvas.tensors import Images


@dataclass
class Tally:
    """What is counted while rows go by.

    Attributes:
        tile_px: Side of the tiles, smaller once memory ran out.
        lock_sum: Sum of what the colour lock left, over output pixels, in 8-bit levels.
        pixels: Output pixels so far.
        patched_px: Pixels that were filled with patches of the photograph.
    """

    tile_px: int
    lock_sum: float = 0.0
    pixels: int = 0
    patched_px: int = 0


@dataclass(frozen=True)
class Rows:
    """Some rows of the output: pixels ``(h, W, C)``, and of the map ``(h, W, 1)`` if there is one."""

    pixels: np.ndarray
    map: np.ndarray | None


def painted(
    pixels: np.ndarray,
    assembly: Assembly,
    tally: Tally,
    *,
    device: torch.device,
    mask: np.ndarray | None = None,
    inputs: Sequence[str] = (),
    strength: float = 1.0,
    fidelity: float = 1.0,
    dtype: np.dtype | None = None,
    patching: Callable[[float], None] = lambda share: None,
) -> Iterator[Rows]:
    """Paint a photograph anew; what fills deep holes is in `ganvas.apply.deep`.

    Args:
        pixels: uint8 or uint16 ``(H, W, C)``.
        assembly: What paints; it has alpha where the pixels have.
        tally: Counts along; its tile is the one to begin with.
        device: Where the network runs.
        mask: bool ``(H, W)``, what to fill; all other pixels are given back as they are. None paints all.
        inputs: The network's planes besides the picture, in order: ``mask`` or ``strength``.
        strength: What a plane of strength holds, 0 to 1.
        fidelity: Of the network, 0 to 1: it decides from what depth on patches fill holes.
        dtype: uint8 or uint16, of the output; that of the pixels where it is None.
        patching: Told how much of the deep holes is filled, 0 to 1, before there are rows.

    Raises:
        GanvasError: as `filtered_bands`.
    """
    network = partial(_network_rows, assembly=assembly, device=device, inputs=inputs, strength=strength)
    if mask is not None and "mask" in inputs and assembly.filter.scale == 1:
        given, alone = pixels, Tally(tally.tile_px)

        def first(gone: np.ndarray, near: np.ndarray) -> np.ndarray:
            whole, top = np.empty_like(given), 0
            for rows in network(given, gone, alone, wanted=near, dtype=given.dtype):
                whole[top : top + len(rows.pixels)] = rows.pixels
                top += len(rows.pixels)
            return whole

        pixels, left = with_patches(given, mask, fidelity, device, first, patching)
        tally.tile_px, tally.patched_px, mask = alone.tile_px, int(mask.sum() - left.sum()), left
    yield from network(pixels, mask, tally, wanted=mask, dtype=dtype or pixels.dtype)


def _network_rows(
    pixels: np.ndarray,
    mask: np.ndarray | None,
    tally: Tally,
    *,
    wanted: np.ndarray | None,
    assembly: Assembly,
    device: torch.device,
    inputs: Sequence[str],
    strength: float,
    dtype: np.dtype,
) -> Iterator[Rows]:
    """What the network makes of a photograph, whatever the depth of its holes; not of tiles without a wanted pixel."""
    source = photo_source(pixels, mask=mask, inputs=inputs, strength=strength)
    needed = _touched(wanted) if wanted is not None and assembly.filter.scale == 1 else (lambda rows, columns: True)

    def smaller(tile: int) -> None:
        tally.tile_px = tile

    for strip in filtered_bands(
        source,
        (pixels.shape[0], pixels.shape[1]),
        assembly.filter,
        tile=tally.tile_px,
        device=device,
        needed=needed,
        smaller=smaller,
    ):
        rows = _rows(strip, pixels, assembly, tally, mask, dtype)
        del strip  # before the next one is made: a band may be large
        yield rows


def photo_source(
    pixels: np.ndarray, *, mask: np.ndarray | None = None, inputs: Sequence[str] = (), strength: float = 1.0
) -> Source:
    """The planes a network is given: colours (a guess in holes), its further inputs, and alpha if there is any.

    What cannot be seen is a hole for a network that knows of holes: its colours are nobody's.
    """
    guess = None if mask is None else guessed_of(pixels, mask)

    def source(rows: Span, columns: Span) -> Tensor:
        part = window(pixels, rows, columns)
        colours = colour_planes(part)
        hole = None
        if mask is not None:
            hole = torch.from_numpy(hidden(window(mask, rows, columns), part).astype(np.float32))[None, None]
            assert guess is not None
            colours = torch.where(hole > 0, guess.window(rows, columns), colours)
        planes = [colours]
        for name in inputs:
            if name == "mask":
                assert hole is not None
                planes.append(hole)
            else:
                planes.append(torch.full_like(colours[:, :1], strength))
        if has_alpha(pixels):
            planes.append(alpha_plane(part))
        return torch.cat(planes, 1)

    return source


def _touched(mask: np.ndarray) -> Callable[[Span, Span], bool]:
    """Whether a tile keeps anything that is to be filled: all others are the photograph's own pixels."""

    def needed(rows: Span, columns: Span) -> bool:
        return bool(mask[rows.keep_from : rows.keep_to, columns.keep_from : columns.keep_to].any())

    return needed


def _rows(
    strip: Strip, pixels: np.ndarray, assembly: Assembly, tally: Tally, mask: np.ndarray | None, dtype: np.dtype
) -> Rows:
    tally.pixels += (strip.bottom - strip.top) * pixels.shape[1] * assembly.filter.scale
    given = None if mask is None else pixels[strip.top : strip.bottom]
    if strip.planes is None:
        assert given is not None
        return Rows(
            to_depth(given, dtype), None if assembly.map_plane is None else np.zeros_like(given[..., :1], np.uint8)
        )
    planes = strip.planes
    if assembly.lock_plane is not None:
        tally.lock_sum += float(planes[assembly.lock_plane].sum()) * 127.5
    new = to_pixels(planes[:3], _alpha(planes, assembly), pixels.shape[2], dtype)
    levels = None if assembly.map_plane is None else map_levels(planes[assembly.map_plane])
    if given is not None and mask is not None:
        hole = mask[strip.top : strip.bottom, :, None]
        new = np.where(hole, new, to_depth(given, dtype))
        levels = None if levels is None else levels * hole
    return Rows(new, levels)


def _alpha(planes: Images, assembly: Assembly) -> Tensor | None:
    return planes[-1:] if assembly.alpha else None


def to_depth(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Pixels in 8 or 16 bits, to the nearest level; the same array where they are already."""
    if pixels.dtype == dtype:
        return pixels
    if dtype == np.uint16:
        return pixels.astype(np.uint16) * np.uint16(257)
    return to_uint8(pixels)
