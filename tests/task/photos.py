"""A tiny network for photographs and a tiny critic."""

import torch
from torch import Tensor, nn

from ganvas.tensors import Judgement


class Painter(nn.Module):
    """Two convolutions and a pixel shuffle; a fresh one repeats every pixel."""

    def __init__(self, scale: int = 1, inputs: tuple[str, ...] = ()):
        super().__init__()
        self.scale, self.stride_px, self.inputs = scale, 1, inputs
        self.first = nn.Conv2d(3 + len(inputs), 4, 3, padding=1)
        self.last = nn.Conv2d(4, 3 * scale**2, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias if self.last.bias is not None else torch.zeros(1))

    def forward(self, given: Tensor) -> Tensor:
        painted: Tensor = self.last(torch.tanh(self.first(given)))
        return nn.functional.pixel_shuffle(painted + given[:, :3].repeat_interleave(self.scale**2, 1), self.scale)


class Critic(nn.Module):
    """One convolution over the picture and, where there is one, the mask."""

    def __init__(self, planes: int = 0):
        super().__init__()
        self.layer = nn.Conv2d(3 + planes, 1, 3, stride=2, padding=1)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Judgement:
        given = images if condition is None else torch.cat([images, condition], 1)
        return Judgement((self.layer(given).squeeze(1),))
