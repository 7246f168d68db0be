"""Blur: lenses out of focus, hands that shook. Every sample has a kernel of its own."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ganvas.tensors import Images

RADIUS_PX = 5
"""Kernels are 11×11: Gaussians of up to 1.6 px lose less than 0.2 % of their weight, motions may be 9 px long."""


def gaussian_kernels(along_px: Tensor, across_px: Tensor, angle: Tensor, radius_px: int = RADIUS_PX) -> Tensor:
    """Gaussian kernels of any two widths and direction.

    Args:
        along_px: Standard deviations along the angle, ``(N,)``; 0 is no blur.
        across_px: Those across it, ``(N,)``.
        angle: Direction in radians from right to down, ``(N,)``.
        radius_px: Kernels have ``2 radius_px + 1`` pixels a side.

    Returns:
        ``(N, k, k)``, each of sum 1.
    """
    along, across = _turned(angle, radius_px)
    tiny = torch.finfo(along_px.dtype).eps  # no width at all leaves the middle pixel alone
    exponent = (along / along_px.clamp(min=tiny)[:, None, None]).square()
    return _of_sum_1((-(exponent + (across / across_px.clamp(min=tiny)[:, None, None]).square()) / 2).exp())


def motion_kernels(length_px: Tensor, angle: Tensor, radius_px: int = RADIUS_PX) -> Tensor:
    """Kernels of a short straight motion: a line of the given length, one pixel wide, with soft ends.

    Args:
        length_px: ``(N,)``; 0 is no blur.
        angle: As for `gaussian_kernels`.
        radius_px: Likewise.

    Returns:
        ``(N, k, k)``, each of sum 1.
    """
    along, across = _turned(angle, radius_px)
    ends = (length_px[:, None, None] / 2 + 0.5 - along.abs()).clamp(0, 1)
    return _of_sum_1(ends * (1 - across.abs()).clamp(min=0))


def blurred(images: Images, kernels: Tensor) -> Images:
    """Pictures ``(N, C, H, W)`` each convolved with its own kernel ``(N, k, k)``, mirrored at the border.

    One grouped convolution does the whole batch: every sample's channels are groups. A picture must have more pixels
    a side than the kernel's radius.
    """
    count, channels, height, width = images.shape
    radius = kernels.shape[-1] // 2
    mirrored = pad(images, (radius,) * 4, mode="reflect").flatten(0, 1)[None]
    weight = kernels.to(images.dtype).repeat_interleave(channels, 0)[:, None]
    return conv2d(mirrored, weight, groups=count * channels).reshape(count, channels, height, width)


def _turned(angle: Tensor, radius_px: int) -> tuple[Tensor, Tensor]:
    """Places of a kernel along an angle and across it, ``(N, k, k)`` each."""
    at = torch.arange(-radius_px, radius_px + 1, device=angle.device, dtype=angle.dtype)
    cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
    return at * cosine + at[:, None] * sine, at[:, None] * cosine - at * sine


def _of_sum_1(kernels: Tensor) -> Tensor:
    return kernels / kernels.sum((1, 2), keepdim=True)
