"""Noise of sensors and film: Gaussian, with a part that grows with the light, in grey or in each channel."""

import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.tensors import Images


def noisy(images: Images, sigma: Tensor, shot: Tensor, grey: Tensor, draw: Draw) -> Images:
    """Pictures with noise added; not clamped.

    The variance at light x in [0, 1] is ``σ² (1 - shot + 2 shot x)``: the read noise and the shot noise of a sensor
    (Foi et al. 2008, "Practical Poissonian-Gaussian noise modeling", eq. 2), equal to σ² at middle grey.

    Args:
        images: ``(N, C, H, W)`` in [-1, 1].
        sigma: Standard deviation at middle grey, in 8-bit levels, ``(N,)``.
        shot: Share of the variance that follows the light, from 0 to 1, ``(N,)``.
        grey: The same noise in all channels, bool ``(N,)``.
        draw: Where the numbers come from.

    Returns:
        As many of the same shape.
    """
    field = draw.named("noise").field(*images.shape[1:])
    field = torch.where(grey[:, None, None, None], field[:, :1], field)
    shot = shot[:, None, None, None]
    light = (images + 1).clamp(0, 2)  # 2x
    return images + field * (1 - shot + shot * light).sqrt() * (sigma / 127.5)[:, None, None, None]
