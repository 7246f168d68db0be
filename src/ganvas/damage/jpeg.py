"""JPEG by its own arithmetic (ITU-T T.81, JFIF), every picture at a quality, subsampling and grid of its own."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.tensors import Images, PerSample

# T.81, annex K.1: the tables every common encoder scales.
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
)  # fmt: skip
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))
BLOCK, UNIT = 8, 16
"""Pixels a block of the transform, and a block of colour that was halved."""


def jpeg(images: Images, quality: PerSample, subsampled: Tensor, shift: Tensor) -> Images:
    """Compress and decode; gradients do not pass.

    Args:
        images: RGB ``(N, 3, H, W)`` in [-1, 1], any size; values outside are clipped, and rounded to 256 levels.
        quality: 1 to 100 ``(N,)``, rounded; as the IJG's library counts it.
        subsampled: Whether colour is stored at half the size (4:2:0), bool ``(N,)``.
        shift: Where the grid of blocks begins above and left of the picture, 0 to 15 pixels, int64 ``(N, 2)``: a crop
            of a compressed picture lies anywhere in its grid.

    Returns:
        ``(N, 3, H, W)``, whole levels in [-1, 1].
    """
    height, width = images.shape[2:]
    levels = (images.float() * 127.5 + 127.5).round().clamp(0, 255)
    tall, wide = (math.ceil((side + UNIT - 1) / UNIT) * UNIT for side in (height, width))
    rows = torch.arange(tall, device=images.device) - shift[:, :1]
    columns = torch.arange(wide, device=images.device) - shift[:, 1:]
    canvas = _picked(levels, rows.clamp(0, height - 1), columns.clamp(0, width - 1))
    ycc = _mixed(canvas, _TO_YCC)
    ycc[:, 1:] += 128
    ycc.round_().clamp_(0, 255)
    tables = quantisation_tables(quality)
    luma = _coded(ycc[:, :1], tables[:, :1])
    chroma = torch.empty_like(ycc[:, 1:])
    halved, whole = subsampled.nonzero()[:, 0], (~subsampled).nonzero()[:, 0]
    if len(halved):
        chroma[halved] = _doubled(_coded(_halved(ycc[halved, 1:]), tables[halved, 1:]))
    if len(whole):
        chroma[whole] = _coded(ycc[whole, 1:], tables[whole, 1:])
    decoded = _mixed(torch.cat([luma, chroma - 128], 1), _TO_RGB).round_().clamp_(0, 255)
    back = [torch.arange(side, device=images.device) + shift[:, i : i + 1] for i, side in enumerate((height, width))]
    return _picked(decoded, back[0], back[1]) / 127.5 - 1


def quantisation_tables(quality: PerSample) -> Tensor:
    """Steps of luma and of colour ``(N, 2, 64)`` by rows, scaled as the IJG's library does."""
    quality = quality.round().clamp(1, 100)
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    base = torch.tensor((_LUMA, _CHROMA), device=quality.device, dtype=torch.float32)
    return ((base * percent.view(-1, 1, 1) + 50) / 100).floor().clamp(1, 255)


def _coded(planes: Tensor, steps: Tensor) -> Tensor:
    """Transform, round to the steps, and back, in whole levels: planes ``(N, C, h, w)``, steps ``(N, 1, 64)``."""
    count, channels, height, width = planes.shape
    matrix = _transform(planes.device)
    blocks = F.pixel_unshuffle(planes.reshape(count * channels, 1, height, width) - 128, BLOCK)
    steps = steps.expand(-1, channels, -1).reshape(count * channels, BLOCK**2, 1)
    rounded = _rounded(matrix @ blocks.flatten(2) / steps).mul_(steps)
    pixels = F.pixel_shuffle((matrix.T @ rounded).view_as(blocks), BLOCK)
    return pixels.add_(128).round_().clamp_(0, 255).view_as(planes)


def _rounded(values: Tensor) -> Tensor:
    """Halves away from zero, as the library rounds; flat blocks meet them often, and here a little inexactly."""
    return values.abs().add_(0.5 + 1e-4).floor_().copysign_(values)


def _transform(device: torch.device) -> Tensor:
    """The cosine transform of a block of 8x8 by rows, orthonormal ``(64, 64)`` (T.81, A.3.3)."""
    number = torch.arange(BLOCK, dtype=torch.float64)
    cosines = torch.cos((2 * number + 1) * number[:, None] * torch.pi / (2 * BLOCK)) / 2
    cosines[0] *= 0.5**0.5
    return torch.kron(cosines, cosines).to(device, torch.float32)


def _halved(planes: Tensor) -> Tensor:
    """Means of 2x2; their halves go up in every second column, as the library has it."""
    return _cut_off(F.avg_pool2d(planes, 2), 1 / 4, 2 / 4)


def _doubled(planes: Tensor) -> Tensor:
    """Twice the size by the triangle filter of the library: 3/4 of the nearer, 1/4 of the further neighbour."""
    large = F.interpolate(planes, scale_factor=2.0, mode="bilinear", align_corners=False)
    return _cut_off(large, 8 / 16, 7 / 16)


def _cut_off(planes: Tensor, even: float, odd: float) -> Tensor:
    """Whole numbers below what a column's own fraction was added to."""
    fraction = planes.new_tensor([even, odd]).repeat(planes.shape[-1] // 2 + 1)[: planes.shape[-1]]
    return planes.add_(fraction).floor_()


def _mixed(images: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    weights = torch.tensor(matrix, device=images.device, dtype=torch.float32)
    return (weights @ images.flatten(2)).view_as(images)


def _picked(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Rows ``(N, h)`` and columns ``(N, w)`` of each picture ``(N, C, H, W)``."""
    sample = torch.arange(len(images), device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(images.shape[1], device=images.device).view(1, -1, 1, 1)
    return images[sample, channel, rows[:, None, :, None], columns[:, None, None, :]]
