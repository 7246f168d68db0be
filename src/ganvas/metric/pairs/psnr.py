"""Peak signal-to-noise ratio of pairs of pictures, as papers on super-resolution take it.

Two conventions matter more than most improvements: whether all of RGB or only luma is compared (some 1.5 to 5 dB), and
how many pixels at the border are left out (the magnification, in those papers). Means over a set are means of these
numbers, one a picture; the ratio of a mean error over a set is another number.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganvas.errors import DataError, UnknownName, UsageError
from ganvas.tensors import Levels

PEAK = 255.0
LUMA = (65.481, 128.553, 24.966)
"""ITU-R BT.601 luma of R, G and B from 0 to 1, in levels above `BLACK`; white is 235."""
BLACK = 16.0

CompareChannel = Literal["rgb", "y"]
CHANNELS: tuple[CompareChannel, ...] = ("rgb", "y")

Pictures = Levels | NDArray[np.float32] | NDArray[np.float64]
"""Levels from 0 to 255, ``(N, H, W, C)``; C is 1 (grey) or 3 (RGB)."""


def psnr(a: Pictures, b: Pictures, *, border_px: int = 0, channel: CompareChannel = "rgb") -> Tensor:
    """``10 log10(255^2 / MSE)`` of each pair, the error's mean taken over all pixels and channels.

    Args:
        a: Levels from 0 to 255, ``(N, H, W, C)``; C is 1 or 3. Painted images become levels by
            `ganvas.tensors.to_levels`.
        b: As many of the same shape.
        border_px: Pixels left out on each side.
        channel: ``rgb``, or ``y`` for BT.601 luma, ``16 + (65.481 R + 128.553 G + 24.966 B) / 255``, not rounded.
            The peak stays 255.

    Returns:
        Decibels, float64 ``(N,)``; infinite where two pictures are equal.

    Raises:
        UsageError: The shapes differ or are no pictures, nothing is left inside of the border, or no such channel.
        DataError: A level is not a number from 0 to 255.
    """
    first, second = comparable(a, b, border_px, channel)
    error = (first - second).square().mean((1, 2, 3))
    return 10 * (PEAK**2 / error).log10()


def comparable(a: Pictures, b: Pictures, border_px: int, channel: CompareChannel) -> tuple[Tensor, Tensor]:
    """What is compared of two sets of pictures.

    Args:
        a: As for `psnr`.
        b: As for `psnr`.
        border_px: As for `psnr`.
        channel: As for `psnr`.

    Returns:
        Two float64 tensors ``(N, C, h, w)`` of levels; C is 1 for luma.

    Raises:
        UsageError: As for `psnr`.
        DataError: As for `psnr`.
    """
    if channel not in CHANNELS:
        raise UnknownName("channel", channel, CHANNELS)
    if a.shape != b.shape or a.ndim != 4 or a.shape[3] not in (1, 3) or 0 in a.shape:
        raise UsageError(
            f"Pictures of shapes {a.shape} and {b.shape} cannot be compared; give two sets (N, H, W, C) of one shape "
            "with 1 or 3 channels."
        )
    height, width = a.shape[1:3]
    if border_px < 0 or min(height, width) <= 2 * border_px:
        raise UsageError(
            f"A border of {border_px} px leaves nothing of pictures of {width} x {height} px; "
            f"give one from 0 to {(min(height, width) - 1) // 2} px."
        )
    return _inside(a, border_px, channel), _inside(b, border_px, channel)


def _inside(pictures: Pictures, border_px: int, channel: CompareChannel) -> Tensor:
    levels = torch.from_numpy(np.array(pictures, np.float64)).permute(0, 3, 1, 2)
    if not ((levels >= 0) & (levels <= PEAK)).all():
        raise DataError(
            f"Levels from {float(levels.min()):g} to {float(levels.max()):g} cannot be compared; "
            f"pictures must have numbers from 0 to {PEAK:g}."
        )
    height, width = levels.shape[2:]
    levels = levels[:, :, border_px : height - border_px, border_px : width - border_px]
    if channel == "rgb":
        return levels.contiguous()
    weights = torch.tensor(LUMA, dtype=torch.float64).view(1, 3, 1, 1) / PEAK
    return BLACK + (levels * weights).sum(1, keepdim=True)  # grey is three equal channels
