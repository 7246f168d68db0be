"""Pixels of a photograph to the planes a network sees, and back without losing a level.

Grey goes in as three equal channels and comes back as their mean, so it stays grey. Whole levels, of 8 or 16 bits,
survive the way to float32 and back.
"""

import numpy as np
import torch
from torch import Tensor

from ganvas.apply.tiles import Span

_ROWS_AT_ONCE = 32


def window(array: np.ndarray, rows: Span, columns: Span) -> np.ndarray:
    """What two spans read of ``(H, W, ...)``, its last row and column repeated beyond its edge."""
    part = array[rows.read_from : rows.read_to, columns.read_from : columns.read_to]
    missing = (rows.read_to - rows.read_from - part.shape[0], columns.read_to - columns.read_from - part.shape[1])
    if missing == (0, 0):
        return part
    return np.pad(part, [(0, missing[0]), (0, missing[1])] + [(0, 0)] * (array.ndim - 2), mode="edge")


def has_alpha(pixels: np.ndarray) -> bool:
    """Whether the last channel of ``(H, W, C)`` is transparency."""
    return pixels.shape[2] in (2, 4)


def colour_planes(pixels: np.ndarray) -> Tensor:
    """uint8 or uint16 ``(h, w, C)`` as float32 ``(1, 3, h, w)`` in [-1, 1]; alpha is left out."""
    colours = pixels[..., :3] if pixels.shape[2] > 2 else np.repeat(pixels[..., :1], 3, axis=2)
    planes = torch.from_numpy(colours.astype(np.float32)).permute(2, 0, 1)[None]
    return (planes / (_top(pixels.dtype) / 2) - 1).contiguous()


def alpha_plane(pixels: np.ndarray) -> Tensor:
    """The last channel of uint8 or uint16 ``(h, w, C)`` as float32 ``(1, 1, h, w)`` in [-1, 1]; 1 is opaque."""
    return torch.from_numpy(pixels[..., -1].astype(np.float32))[None, None] / (_top(pixels.dtype) / 2) - 1


def to_pixels(colours: Tensor, alpha: Tensor | None, channels: int, dtype: np.dtype) -> np.ndarray:
    """Planes as pixels, rounded to the nearest level and clipped.

    Args:
        colours: float ``(3, h, w)`` in [-1, 1].
        alpha: float ``(1, h, w)`` in [-1, 1], for 2 or 4 channels.
        channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
        dtype: uint8 or uint16.

    Returns:
        ``(h, w, channels)``.
    """
    top, height, width = _top(dtype), colours.shape[1], colours.shape[2]
    pixels = np.empty((height, width, channels), dtype)
    for row in range(0, height, _ROWS_AT_ONCE):  # float32 copies of a wide band would take more than the band
        part = slice(row, row + _ROWS_AT_ONCE)
        planes = colours[:, part].mean(0, keepdim=True) if channels < 3 else colours[:, part]
        if alpha is not None:
            planes = torch.cat([planes, alpha[:, part]])
        assert planes.shape[0] == channels
        levels = ((planes + 1) * (top / 2)).round_().clamp_(0, top)
        pixels[part] = levels.permute(1, 2, 0).numpy()
    return pixels


def _top(dtype: np.dtype) -> int:
    assert dtype in (np.uint8, np.uint16)
    return int(np.iinfo(dtype).max)
