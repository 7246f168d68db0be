"""Blur with a kernel of its own for every picture: lenses out of focus, shaken hands, soft prints."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ganvas.draw import Draw
from ganvas.tensors import Images, PerSample

REACH = 7
"""Pixels a kernel reaches to each side; extents up to a third of it are hardly cut off."""
FAMILIES = ("round", "oval", "box", "motion")


def blurred(images: Images, kernels: Tensor) -> Images:
    """Each picture ``(N, C, H, W)`` by its kernel ``(N, K, K)``, its border repeated outwards; K is odd."""
    count, channels, height, width = images.shape
    side = kernels.shape[-1] // 2
    padded = F.pad(images, (side, side, side, side), mode="replicate")
    weights = kernels.repeat_interleave(channels, dim=0).unsqueeze(1)
    merged = F.conv2d(padded.reshape(1, count * channels, *padded.shape[2:]), weights, groups=count * channels)
    return merged.view(count, channels, height, width)


def draw_kernels(draw: Draw, extent: PerSample, shortest: float = 0.3) -> Tensor:
    """One kernel a sample of a family drawn by lot, all with the same standard deviation along their long axis.

    Args:
        draw: Decides family, direction and proportion.
        extent: The standard deviation ``(N,)``, pixels, up to `REACH` / 3; 0 leaves a picture as it is.
        shortest: Least short axis of an oval, as part of the long one.

    Returns:
        ``(N, 2 REACH + 1, 2 REACH + 1)``, each summing to 1.
    """
    line = torch.arange(-REACH, REACH + 1, device=extent.device, dtype=torch.float32)
    y, x = line.view(1, -1, 1), line.view(1, 1, -1)
    turn, extent = _flat(draw.named("turn").uniform(high=torch.pi)), _flat(extent.float())
    along, across = x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin()
    short = extent * _flat(draw.named("short").uniform(low=shortest))
    half = extent * 3**0.5  # of an even spread with this deviation
    kernels = torch.stack(
        [
            _bell(along, extent) * _bell(across, extent),
            _bell(along, extent) * _bell(across, short),
            _even(x, half) * _even(y, half),
            _even(along, half) * _bell(across, extent.clamp(max=0.5)),
        ]
    )
    family = draw.named("family").integers(len(FAMILIES))
    chosen = kernels[family, torch.arange(len(family), device=family.device)]
    return chosen / chosen.sum((1, 2), keepdim=True)


def _bell(distance: Tensor, deviation: Tensor) -> Tensor:
    return torch.exp(-0.5 * (distance / deviation.clamp(min=1e-3)).square())


def _even(distance: Tensor, half: Tensor) -> Tensor:
    """1 inside, falling to 0 within the pixel at the edge."""
    return (half + 0.5 - distance.abs()).clamp(0, 1)


def _flat(values: PerSample) -> Tensor:
    return values.view(-1, 1, 1)
