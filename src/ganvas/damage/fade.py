"""What light and years do to a print: less contrast, less colour, a yellow cast, darker or paler corners."""

import torch
from torch import Tensor

from ganvas.draw import Draw
from ganvas.tensors import Images, PerSample

DARKEST, PALEST = 0.35, 0.2
"""How far black may rise and white may fall, as parts of the range."""
CAST = (0.06, 0.0, -0.25)
"""What a full cast adds to red, green and blue in the lights: paper and varnish turn yellow."""
LUMA = (0.299, 0.587, 0.114)


def faded(images: Images, strength: PerSample, draw: Draw) -> Images:
    """Pictures as an old print shows them.

    Args:
        images: RGB ``(N, 3, H, W)`` in [-1, 1].
        strength: How much of everything ``(N,)``, 0 (as it is) to 1.
        draw: Decides how much of what.

    Returns:
        The same shape, in [-1, 1].
    """

    def amount(name: str, low: float = 0.0, high: float = 1.0) -> Tensor:
        return draw.named(name).uniform(1, 1, 1, low=low, high=high) * strength.view(-1, 1, 1, 1)

    light = 0.5 * images + 0.5
    grey = (light * light.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    light = torch.lerp(light, grey.expand_as(light), amount("grey", high=0.8))
    light = light.clamp(min=0) ** torch.exp(amount("curve", -0.4, 0.4))
    black, white = DARKEST * amount("black"), 1 - PALEST * amount("white")
    light = black + (white - black) * light
    light = light + amount("cast") * light.new_tensor(CAST).view(1, 3, 1, 1) * light
    light = light * (1 + amount("corners", -0.5, 0.3) * _corners(light))
    untouched = (strength == 0).view(-1, 1, 1, 1)
    return torch.where(untouched, images, light.clamp(0, 1) * 2 - 1)


def _corners(images: Tensor) -> Tensor:
    """0 in the middle, growing with the square of the distance to 1 in the corners, ``(1, 1, H, W)``."""
    height, width = images.shape[2:]
    y = torch.linspace(-1, 1, height, device=images.device).view(1, 1, -1, 1)
    x = torch.linspace(-1, 1, width, device=images.device).view(1, 1, 1, -1)
    return (x.square() + y.square()) / 2
