"""Doubling and halving of feature maps, for any size.

All are made of pooling and interpolation, which have bfloat16 and channels_last kernels, a second derivative and
a forward-mode rule everywhere; on a CPU the backward pass of the equal depthwise convolution takes seven times
as long in bfloat16.
"""

import torch.nn.functional as F
from torch import Tensor


def upsample(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Double both sides with the low-pass kernel [1, 3, 3, 1] / 4 and crop to ``size``.

    Bilinear interpolation at half-pixel centres is this kernel; at the border the outermost pixel repeats.

    Args:
        x: ``(N, C, h, w)``.
        size: Height and width of the result, each twice that of ``x`` or one less.
    """
    doubled = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    return crop(doubled, size)


def upsample_nearest(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Double both sides by repeating every pixel and crop to ``size``; arguments as for `upsample`."""
    return crop(F.interpolate(x, scale_factor=2.0, mode="nearest"), size)


def crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The top left corner of ``(N, C, h, w)``, of height and width ``size``."""
    return x[..., : size[0], : size[1]]


def downsample(x: Tensor) -> Tensor:
    """Halve both sides, rounding up, by the mean of each 2×2 block; a lone last row or column stands for itself."""
    return F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)


def downsample_smooth(x: Tensor) -> Tensor:
    """Halve both sides, rounding up, with the low-pass kernel [1, 3, 3, 1] / 8.

    The kernel is the mean of [1, 1, 1, 1] / 4 and [0, 1, 1, 0] / 2, both plain pooling. At the border each is the
    mean of the pixels it covers, so a constant stays constant.
    """
    return _halve(_halve(x, vertical=True), vertical=False)


def _halve(x: Tensor, *, vertical: bool) -> Tensor:
    def pool(length: int) -> Tensor:
        overlap = (length - 2) // 2
        return F.avg_pool2d(
            x,
            kernel_size=(length, 1) if vertical else (1, length),
            stride=(2, 1) if vertical else (1, 2),
            padding=(overlap, 0) if vertical else (0, overlap),
            ceil_mode=True,
            count_include_pad=False,
        )

    return (pool(4) + pool(2)) * 0.5
