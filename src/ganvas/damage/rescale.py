"""Sizes: pictures that were made smaller, and smaller and larger again."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, pad

from ganvas.tensors import Images

Kernel = Literal["bicubic", "bilinear", "area"]


def rescaled(images: Images, factor: Sequence[float], down: Sequence[Kernel], up: Sequence[Kernel]) -> Images:
    """Pictures made smaller and back to their size, each with its own factor and kernels.

    Args:
        images: ``(N, C, H, W)``.
        factor: The smaller size as a share of the sides, from above 0 to 1; N numbers.
        down: The kernel for smaller, with antialiasing, N names; "area" takes means.
        up: The kernel for larger, N names; "area" repeats pixels.

    Returns:
        As many of the same shape, float32: resizing of lesser floats is not everywhere offered.
    """
    pictures = images.float().split(1)
    return torch.cat([_there_and_back(*one) for one in zip(pictures, factor, down, up, strict=True)])


def shrunk(images: Images, scale: int, kernels: Tensor) -> Images:
    """Pictures whose sides are a whole number of times smaller, each through its own kernel.

    Args:
        images: ``(N, C, H, W)``; H and W are multiples of ``scale``.
        scale: From 2.
        kernels: Weights of pixels, ``(N, taps)``, for rows and columns alike, as `shrink_kernels` gives them.

    Returns:
        ``(N, C, H / scale, W / scale)``, float32. Borders are repeated outwards.
    """
    count, channels, height, width = images.shape
    margin = (kernels.shape[1] - scale) // 2
    wide = pad(images.float(), (margin,) * 4, mode="replicate").flatten(0, 1)[None]
    weight = kernels.repeat_interleave(channels, 0)[:, None]
    rows = conv2d(wide, weight[..., None], stride=(scale, 1), groups=count * channels)
    both = conv2d(rows, weight[..., None, :], stride=(1, scale), groups=count * channels)
    return both.reshape(count, channels, height // scale, width // scale)


def shrink_kernels(scale: int, mix: Tensor, blur_px: Tensor) -> Tensor:
    """Kernels that make pictures smaller: a mixture of the usual ones, blurred a little.

    Bicubic (Keys 1981 with a = -0.5, as Pillow has it), area (means) and Lanczos of three lobes, all widened by the
    scale against aliasing.

    Args:
        scale: How many times smaller, from 2.
        mix: Weights of bicubic, area and Lanczos, ``(N, 3)``, of sum 1.
        blur_px: Standard deviation of a Gaussian before shrinking, in pixels of the larger picture, ``(N,)``.

    Returns:
        ``(N, taps)``, each of sum 1; the taps lie around the middle of ``scale`` pixels.
    """
    reach = 4 * scale  # three lobes and room for the blur
    at = (torch.arange(2 * reach + scale % 2, device=mix.device) - reach + (0.5 if scale % 2 == 0 else 0.0)) / scale
    pure = torch.stack([cubic(at), (at.abs() < 0.5).float(), _lanczos(at)])
    pure = pure / pure.sum(1, keepdim=True)
    between = (at[:, None] - at) * scale
    blur = (-(between / blur_px.clamp(min=1e-6)[:, None, None]).square() / 2).exp()
    mixed = (mix @ pure)[:, None] @ blur
    return mixed[:, 0] / mixed.sum(2)


def cubic(at: Tensor, a: float = -0.5) -> Tensor:
    """The cubic convolution kernel (Keys 1981, eq. 15) at distances in samples: 1 at 0, 0 at all other whole ones."""
    x = at.abs()
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def _there_and_back(picture: Tensor, factor: float, down: Kernel, up: Kernel) -> Tensor:
    size = picture.shape[2:]
    small = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    return _resized(_resized(picture, small, down), (size[0], size[1]), up)


def _resized(picture: Tensor, size: tuple[int, int], kernel: Kernel) -> Tensor:
    if kernel == "area":
        return interpolate(picture, size, mode="area")
    return interpolate(picture, size, mode=kernel, align_corners=False, antialias=True)


def _lanczos(at: Tensor, lobes: int = 3) -> Tensor:
    return torch.where(at.abs() < lobes, torch.sinc(at) * torch.sinc(at / lobes), torch.zeros_like(at))
