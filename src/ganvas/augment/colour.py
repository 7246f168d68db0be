"""Brightness, contrast and saturation as one affine map of a pixel's channels.

The strengths are those of ADA (Karras et al. 2020, arXiv:2006.06676, appendix B): each of the three is drawn
by itself, with half the probability of the geometric kinds. Alpha is left alone.
"""

import torch
from torch import Tensor

from ganvas.augment.gate import gated
from ganvas.draw import Draw
from ganvas.tensors import Images

PROBABILITY_FACTOR = 0.5
BRIGHTNESS_STD = 0.2
CONTRAST_LOG2_STD = 0.5
SATURATION_LOG2_STD = 1.0


def draw_colour(probability: float, draw: Draw, channels: int) -> Tensor:
    """Draw one colour map a sample.

    Args:
        probability: From 0 to 1, halved for each of brightness, contrast and saturation.
        draw: Where the numbers come from.
        channels: 1, 3 or 4.

    Returns:
        ``(N, 3, C)``, see `compose_colour`.
    """
    half = probability * PROBABILITY_FACTOR
    brightness, contrast, saturation = (draw.named("colour", name) for name in ("brightness", "contrast", "saturation"))
    return compose_colour(
        gated(brightness, half) * brightness.normal() * BRIGHTNESS_STD,
        (gated(contrast, half) * contrast.normal() * CONTRAST_LOG2_STD).exp2(),
        (gated(saturation, half) * saturation.normal() * SATURATION_LOG2_STD).exp2(),
        channels,
    )


def compose_colour(brightness: Tensor, contrast: Tensor, saturation: Tensor, channels: int) -> Tensor:
    """The map ``contrast · (grey + saturation · (x - grey)) + brightness``, grey the mean of the colours.

    Contrast is about 0, the middle of the range. A grey picture has no saturation to change.

    Args:
        brightness: ``(N,)``, added.
        contrast: ``(N,)``, 1 changes nothing.
        saturation: ``(N,)``, 1 changes nothing, 0 leaves grey.
        channels: 1, 3 or 4.

    Returns:
        ``(N, 3, C)``: for each channel the factors of its own value and of grey, and what is added.
    """
    if channels == 1:
        saturation = torch.ones_like(saturation)
    drawn = torch.stack([contrast * saturation, contrast * (1 - saturation), brightness], 1)
    unchanged = torch.tensor([1.0, 0.0, 0.0], device=drawn.device).expand_as(drawn)
    colours = min(channels, 3)
    return torch.stack([drawn] * colours + [unchanged] * (channels - colours), 2)


def recolour(images: Images, colour: Tensor) -> Images:
    """Apply colour maps ``(N, 3, C)`` to images ``(N, C, H, W)``."""
    own, grey, added = (row[:, :, None, None] for row in colour.unbind(1))
    mean = images[:, :3].mean(1, keepdim=True)
    return (own * images + grey * mean + added).to(images.dtype)


def linear_part(colour: Tensor) -> Tensor:
    """The same maps with nothing added."""
    return torch.cat([colour[:, :2], torch.zeros_like(colour[:, 2:])], 1)
