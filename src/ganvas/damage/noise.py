"""Noise of sensors and of film: alike everywhere, or growing with the light."""

import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.tensors import Images, PerSample

LEVEL = 2 / 255
"""One of 256 levels, in images from -1 to 1."""


def draw_grain(draw: Draw, shape: tuple[int, ...], grey_share: float) -> Tensor:
    """Standard normal grain ``(N, *shape)``, shape ``(C, H, W)``; in part of the samples the same in every channel."""
    grain = draw.named("grain").noise(*shape)
    grey = draw.named("grey").uniform(1, 1, 1) < grey_share
    return torch.where(grey, grain[:, :1], grain)


def noisy(images: Images, grain: Tensor, even: PerSample, photon: PerSample) -> Images:
    """Add grain with variance ``even^2 + photon^2 light``, light from 0 to 1 (Foi et al. 2008, eq. 3).

    Args:
        images: ``(N, C, H, W)`` in [-1, 1].
        grain: Standard normal, of the same shape.
        even: Standard deviation in the dark ``(N,)``, levels of 256.
        photon: What is added in full light ``(N,)``, levels.

    Returns:
        The pictures with noise, not clipped.
    """
    even, photon = (LEVEL * part.view(-1, 1, 1, 1) for part in (even, photon))
    light = (0.5 * images + 0.5).clamp(0, 1)
    return images + grain * (even.square() + photon.square() * light).sqrt()
