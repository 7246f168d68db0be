"""Structural similarity of pairs of pictures, at one scale and at five.

Wang et al. 2004 (IEEE TIP 13(4), "Image quality assessment: from error visibility to structural similarity") and Wang,
Simoncelli and Bovik 2003 (Asilomar, "Multiscale structural similarity for image quality assessment"). The window is
Gaussian, 11 x 11 px with a sigma of 1.5 px, and lies wholly inside of the picture; colours are compared channel by
channel and averaged.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.errors import UsageError
from ganvas.metric.pairs.psnr import PEAK, CompareChannel, Pictures, comparable

WINDOW_PX = 11
SIGMA_PX = 1.5
C1, C2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
"""Constants of the luminance and the contrast term, K1 = 0.01 and K2 = 0.03."""
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (Wang et al. 2003, section 3.2)."""

LEAST_SSIM_PX = WINDOW_PX
LEAST_MS_SSIM_PX = (WINDOW_PX - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1
"""Shortest side inside of the border: 161 px, which four halvings make one window."""


def ssim(a: Pictures, b: Pictures, *, border_px: int = 0, channel: CompareChannel = "rgb") -> Tensor:
    """Mean structural similarity of each pair.

    Args:
        a: Levels from 0 to 255, ``(N, H, W, C)``; C is 1 or 3.
        b: As many of the same shape.
        border_px: Pixels left out on each side.
        channel: ``rgb`` for the mean over channels, or ``y`` for BT.601 luma (`ganvas.metric.pairs.psnr`).

    Returns:
        Float64 ``(N,)``, from -1 to 1; 1 where two pictures are equal.

    Raises:
        UsageError: Pictures cannot be compared, or are smaller than the window.
        DataError: A level is not a number from 0 to 255.
    """
    first, second = comparable(a, b, border_px, channel)
    _refuse_smaller_than(LEAST_SSIM_PX, first, "SSIM")
    luminance, contrast = _terms(first, second)
    return (luminance * contrast).mean((1, 2, 3))


def ms_ssim(a: Pictures, b: Pictures, *, border_px: int = 0, channel: CompareChannel = "rgb") -> Tensor:
    """Structural similarity over five scales, each half of the one before.

    The product over scales of the mean contrast-structure term to the power of the scale's weight, at the coarsest
    scale with the luminance term. A mean below zero counts as zero, because it has no such power. At an odd side the
    last row or column is halved with its mirror image, as in the authors' program; others put zeros around it.

    Args:
        a: Levels from 0 to 255, ``(N, H, W, C)``; C is 1 or 3.
        b: As many of the same shape.
        border_px: Pixels left out on each side.
        channel: As for `ssim`.

    Returns:
        Float64 ``(N,)``, from 0 to 1; 1 where two pictures are equal.

    Raises:
        UsageError: Pictures cannot be compared, or have fewer than 161 px inside of the border.
        DataError: A level is not a number from 0 to 255.
    """
    first, second = comparable(a, b, border_px, channel)
    _refuse_smaller_than(LEAST_MS_SSIM_PX, first, "MS-SSIM")
    product = torch.ones(first.shape[:2], dtype=torch.float64)
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            first, second = _halved(first), _halved(second)
        luminance, contrast = _terms(first, second)
        coarsest = scale == len(SCALE_WEIGHTS) - 1
        mean = (luminance * contrast if coarsest else contrast).mean((2, 3))
        product *= mean.clamp_min(0) ** weight
    return product.mean(1)


def _terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance, and contrast times structure, in each window: ``(N, C, h - 10, w - 10)``."""
    mean_a, mean_b = _blurred(a), _blurred(b)
    variances = _blurred(a * a + b * b) - mean_a**2 - mean_b**2
    covariance = _blurred(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance, (2 * covariance + C2) / (variances + C2)


def _blurred(maps: Tensor) -> Tensor:
    """Weighted means over the window wherever it lies inside, rows first: a Gaussian is separable."""
    place = torch.arange(WINDOW_PX, dtype=torch.float64) - WINDOW_PX // 2
    weights = torch.softmax(-(place**2) / (2 * SIGMA_PX**2), 0).tolist()
    for axis in (2, 3):
        length = maps.shape[axis] - WINDOW_PX + 1
        total = maps.narrow(axis, 0, length) * weights[0]
        for start, weight in enumerate(weights[1:], 1):
            total.add_(maps.narrow(axis, start, length), alpha=weight)
        maps = total
    return maps


def _halved(maps: Tensor) -> Tensor:
    """Means of 2 x 2 px; an odd side ends with its last row or column alone."""
    return F.avg_pool2d(F.pad(maps, (0, maps.shape[3] % 2, 0, maps.shape[2] % 2), mode="replicate"), 2)


def _refuse_smaller_than(least_px: int, levels: Tensor, name: str) -> None:
    height, width = levels.shape[2:]
    if min(height, width) < least_px:
        raise UsageError(
            f"{name} cannot be taken of {width} x {height} px; give pictures of at least {least_px} px on each side "
            "inside of the border."
        )
