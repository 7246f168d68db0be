"""A first, smooth guess at what is missing: means of what is known nearby, bent until they meet it without a kink."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.tensors import Images

WIDTHS_PX = (0.7, 1.4, 2.8, 5.6)
"""Standard deviations of the means, near to far: gaps of up to some 17 pixels are filled."""
REACH = 3
"""Where a Gaussian ends, in standard deviations."""
TRUST = 0.1
"""The share of a mean that must be known to be believed in full."""
STEPS = 12
"""Of relaxation; each looks two pixels farther."""
RATE, MOMENTUM = 1 / 40, 0.8
"""Of a step, and what it keeps of the one before. Squared Laplacians have eigenvalues up to 64: this is stable."""


def smooth_fill(picture: Images, mask: Tensor) -> Images:
    """Fill holes by normalised convolution, then bend the filling towards the biharmonic one.

    Normalised convolution (Knutsson and Westin 1993) takes wider Gaussians where narrower ones see nothing. A few
    steps of gradient descent with momentum on the squared Laplacian follow: they nearly reach the biharmonic surface
    (Damelin and Hoang 2018) in a scratch, and change little in the middle of a wide hole.

    No pixel is looked at but those within three times the widest deviation and two a step, so a tile is filled as in
    the whole picture. Farther than that from all that is known, a guess stays as it is given.

    Args:
        picture: ``(N, C, H, W)``; where the mask is 1, a first guess.
        mask: ``(N, 1, H, W)``, 1 where the picture is missing, else 0.

    Returns:
        ``(N, C, H, W)`` in float32 or wider; as given where the mask is 0.
    """
    with torch.autocast(picture.device.type, enabled=False):
        picture, mask = (plane if plane.dtype == torch.float64 else plane.float() for plane in (picture, mask))
        known = 1 - mask
        both = torch.cat([picture * known, known], 1)
        filled, left = torch.zeros_like(picture), torch.ones_like(mask)
        for width_px in WIDTHS_PX:
            means = blurred(both, width_px)
            share = means[:, -1:]
            trusted = left * (share / TRUST).clamp(max=1).square()
            filled = filled + trusted * means[:, :-1] / share.clamp(min=1e-6)
            left = left - trusted
        # `where` would hide from a probe with NaN how far it looks
        filled = picture * known + (filled + left * picture) * mask
        return _relaxed(filled, mask)


def _relaxed(picture: Images, mask: Tensor) -> Images:
    """Steps down the energy of the Laplacian, inside of the holes."""
    step = torch.zeros_like(picture)
    for _ in range(STEPS):
        step = MOMENTUM * step - RATE * mask * _laplacian(_laplacian(picture))
        picture = picture + step
    return picture


def _laplacian(planes: Tensor) -> Tensor:
    """The sum of the four neighbours less four times the pixel; beyond the border lies what lies at it."""
    wide = F.pad(planes, (1, 1, 1, 1), mode="replicate")
    across = wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]
    return across + wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1] - 4 * planes


def blurred(planes: Tensor, width_px: float) -> Tensor:
    """A Gaussian down, then across; beyond the border lies 0."""
    kernel = _gaussian(width_px)
    return _weighted(_weighted(planes, kernel, 2), kernel, 3)


def _weighted(planes: Tensor, kernel: tuple[float, ...], dim: int) -> Tensor:
    """A symmetric kernel along one dimension, by shifted sums: a grouped convolution took a CPU three times as long."""
    radius, size = len(kernel) // 2, planes.shape[dim]
    wide = F.pad(planes, (0, 0, radius, radius) if dim == 2 else (radius, radius))
    total = wide.narrow(dim, radius, size) * kernel[radius]
    for offset in range(1, radius + 1):
        both = wide.narrow(dim, radius - offset, size) + wide.narrow(dim, radius + offset, size)
        total.add_(both, alpha=kernel[radius + offset])
    return total


def _gaussian(width_px: float) -> tuple[float, ...]:
    """A kernel of sum 1. No tensor: one made under `torch.inference_mode` would be of no use in training."""
    radius = round(REACH * width_px)
    weights = [math.exp(-((offset / width_px) ** 2) / 2) for offset in range(-radius, radius + 1)]
    return tuple(weight / math.fsum(weights) for weight in weights)
