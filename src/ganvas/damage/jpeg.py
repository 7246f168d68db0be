"""What JPEG keeps of a picture: its arithmetic without its bits (ITU-T T.81; JFIF 1.02; libjpeg's choices).

RGB → YCbCr, chroma halved or not, 8×8 cosine transform, division by a table, rounding, and all the way back. What a
file would add, Huffman coding, loses nothing and is left out.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pad

from ganvas.device import sent
from ganvas.tensors import Images

BLOCK = 8
LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""T.81, table K.1: steps of luma at quality 50, rows by vertical frequency."""
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
"""T.81, table K.2: steps of chroma."""
TO_YCC = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
"""JFIF 1.02, page 3: rows Y, Cb, Cr; 128 is added to the latter two."""
FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))
HALF_EPS = 1e-5
"""Halves of a step are frequent, since sums of levels are whole: float32 must not hide one."""


def jpeg(images: Images, quality: Tensor, halved: Tensor) -> Images:
    """Pictures as they come back from a JPEG file.

    Args:
        images: RGB ``(N, 3, H, W)`` in [-1, 1] of any size, taken as 8-bit levels.
        quality: ``(N,)`` from 1 to 100, rounded; scales the standard tables as libjpeg does. On the CPU.
        halved: ``(N,)``, bool: chroma has half the resolution (4:2:0) or the full one (4:4:4).

    Returns:
        As many of the same shape: 8-bit levels in [-1, 1], float32. Gradients end in the rounding.
    """
    height, width = images.shape[2:]
    tables = sent(quality_tables(quality), images.device)
    levels = (images.float() * 127.5 + 127.5).round().clamp(0, 255)
    ycc = _coloured(levels - 128, TO_YCC)
    ycc[:, 0] += 128  # the rows of chroma sum to 0, so that of 128 grey is 0 already
    ycc = ycc.round()
    luma = _through_tables(ycc[:, :1] - 128, tables[:, 0])
    chroma = torch.empty_like(ycc[:, 1:])
    for choice in (False, True):
        rows = sent((halved == choice).nonzero()[:, 0], images.device)
        if len(rows):
            chroma[rows] = (_halved if choice else _through_tables)(ycc[rows, 1:], tables[rows, 1])
    back = _coloured(torch.cat([luma, chroma], 1), FROM_YCC).add_(128)
    return back[..., :height, :width].round_().clamp_(0, 255).div_(127.5).sub_(1)


def jpeg_twice(images: Images, quality: Tensor, halved: Tensor, shift: Tensor) -> Images:
    """Pictures saved twice, with their block grids shifted against each other: cropped and shared again.

    Jiang et al. 2021 (FBCNN, arXiv:2109.14573, section 3.4): networks for one JPEG fail where a second one lies
    off the grid of the first.

    Args:
        images: As for `jpeg`.
        quality: ``(N, 2)``: of the first file and of the second.
        halved: ``(N, 2)``, bool.
        shift: ``(N, 2)``, whole pixels from 0 to 7: how far the picture lies down and right in the second file.

    Returns:
        As of `jpeg`.
    """
    once = jpeg(images, quality[:, 0], halved[:, 0])
    height, width = images.shape[2:]
    down, right = sent(shift, images.device)[:, :, None].unbind(1)
    y, x = torch.arange(height, device=images.device), torch.arange(width, device=images.device)
    wide_y = torch.arange(height + BLOCK - 1, device=images.device)
    wide_x = torch.arange(width + BLOCK - 1, device=images.device)
    moved = _taken(once, (wide_y - down).clamp(0, height - 1), (wide_x - right).clamp(0, width - 1))
    return _taken(jpeg(moved, quality[:, 1], halved[:, 1]), y + down, x + right)


def quality_tables(quality: Tensor) -> Tensor:
    """The steps of luma and chroma ``(N, 2, 8, 8)`` for qualities ``(N,)``: whole numbers from 1 to 255, float32.

    As libjpeg's ``jpeg_quality_scaling`` and ``jpeg_add_quant_table``, for baseline files.
    """
    whole = quality.round().clamp(1, 100).long()
    percent = torch.where(whole < 50, 5000 // whole, 200 - 2 * whole)
    base = torch.tensor((LUMA, CHROMA))
    return ((base * percent[:, None, None, None] + 50) // 100).clamp(1, 255).float()


def _coloured(levels: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("ij,njhw->nihw", _matrix(matrix, levels.device), levels)


@cache
def _matrix(rows: tuple[tuple[float, ...], ...], device: torch.device) -> Tensor:
    return torch.tensor(rows, device=device)


def _halved(chroma: Tensor, table: Tensor) -> Tensor:
    """Chroma through a file at half the resolution: means of 2×2, and back by libjpeg's triangle."""
    height, width = chroma.shape[2:]
    even = pad(chroma, (0, width % 2, 0, height % 2), mode="replicate")
    means = avg_pool2d(even, 2)
    up = torch.arange(means.shape[3], device=chroma.device) % 2 / 4 + 0.25  # libjpeg rounds halves down and up in turn
    small = _through_tables((means + up).floor_(), table)
    return interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]


def _through_tables(planes: Tensor, table: Tensor) -> Tensor:
    """Planes ``(N, K, H, W)`` around 0, transformed, rounded to steps ``(N, 8, 8)`` and transformed back."""
    count, channels, height, width = planes.shape
    padded = pad(planes, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate")
    tall, wide = padded.shape[2] // BLOCK, padded.shape[3] // BLOCK
    blocks = padded.reshape(count, channels, tall, BLOCK, wide, BLOCK).transpose(3, 4).reshape(count, -1, BLOCK**2)
    transform, step = _cosines(planes.device), table.reshape(count, 1, BLOCK**2)
    shares = (blocks @ transform.T).div_(step)
    steps = shares.abs().add_(0.5 + HALF_EPS).floor_().copysign_(shares)  # halves away from 0, as libjpeg
    kept = steps.mul_(step) @ transform
    back = kept.reshape(count, channels, tall, wide, BLOCK, BLOCK).transpose(3, 4).reshape(padded.shape)
    return back[..., :height, :width].round().clamp_(-128, 127)


@cache
def _cosines(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of an 8×8 block as one matrix ``(64, 64)``: a product, and no loop."""
    at = torch.arange(BLOCK, dtype=torch.float64)
    one = torch.cos((2 * at + 1) * at[:, None] * math.pi / (2 * BLOCK)) * math.sqrt(2 / BLOCK)
    one[0] /= math.sqrt(2)
    return torch.kron(one, one).float().to(device)


def _taken(images: Images, rows: Tensor, columns: Tensor) -> Images:
    """Rows ``(N, h)`` and columns ``(N, w)`` of each picture: ``(N, C, h, w)``."""
    sample = torch.arange(len(images), device=images.device)[:, None, None]
    return images.movedim(1, 3)[sample, rows[:, :, None], columns[:, None, :]].movedim(3, 1)
