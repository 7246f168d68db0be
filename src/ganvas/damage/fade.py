"""Fading: what light and years do to a print. Contrast and colour shrink towards the tone of old paper."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganvas.device import sent
from ganvas.tensors import Images

GREY = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the light, ITU-R BT.601."""


@dataclass(frozen=True)
class Fade:
    """How prints have faded, ``(N,)`` each.

    Attributes:
        loss: Share of contrast lost to the paper's tone, from 0 to below 1.
        colour_loss: Share of colour lost to grey, from 0 to 1.
        yellow: How yellow the paper is: 0 neutral, 1 strong.
        light: Light of the paper, from 0 black to 1 white: what everything fades towards.
        uneven: How much more, up to 1, the loss is at the far edge than in the middle of the fade.
        centre: Where it is least, ``(N, 2)``: y and x as shares of the sides.
    """

    loss: Tensor
    colour_loss: Tensor
    yellow: Tensor
    light: Tensor
    uneven: Tensor
    centre: Tensor

    def to(self, device: torch.device) -> "Fade":
        """The same on another device."""
        return Fade(**{name: sent(number, device) for name, number in vars(self).items()})


def faded(images: Images, fade: Fade) -> Images:
    """RGB pictures ``(N, 3, H, W)`` in [-1, 1] after fading, in [-1, 1]; no loss of either kind changes nothing."""
    tone = _paper(fade)[:, :, None, None] * 2 - 1
    loss = (fade.loss[:, None, None] * _spread(fade, images.shape[2:])).clamp(max=1)[:, None]
    weights = sent(torch.tensor(GREY), images.device)[:, None, None]
    grey = (images * weights).sum(1, keepdim=True)
    pale = images + (grey - images) * fade.colour_loss[:, None, None, None]
    return pale + (tone - pale) * loss


def _paper(fade: Fade) -> Tensor:
    """Tone of the paper ``(N, 3)`` in [0, 1]: yellow takes blue away, and a little green."""
    taken = sent(torch.tensor((0.0, 0.12, 0.4)), fade.yellow.device)
    return fade.light[:, None] * (1 - taken * fade.yellow[:, None])


def _spread(fade: Fade, size: tuple[int, ...]) -> Tensor:
    """How the loss is spread, ``(N, H, W)``: 1 at the centre, growing with the squared distance to 1 + uneven."""
    height, width = size
    y = (torch.arange(height, device=fade.loss.device) + 0.5) / height - fade.centre[:, :1]
    x = (torch.arange(width, device=fade.loss.device) + 0.5) / width - fade.centre[:, 1:]
    far = (y.square()[:, :, None] + x.square()[:, None, :]) / 2
    return 1 + fade.uneven[:, None, None] * far
